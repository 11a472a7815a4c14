/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heap/pm_splice.h"

size_t pm_splice(const struct pm_splice_native *native, size_t native_count,
                 const struct pm_splice_python *python, size_t python_count,
                 struct pm_frame_id *out)
{
    size_t length = 0, p = 0;
    u32 skipped = 0;

    for (size_t n = 0; n < native_count; n++) {
        if (!native[n].boundary) {
            out[length++] = native[n].frame;
            continue;
        }
        if (p < python_count && skipped < python[p].empty_entries) {
            skipped++;
            continue;
        }
        while (p < python_count) {
            out[length++] = python[p].frame;
            if (python[p++].entry)
                break;
        }
        skipped = 0;
    }
    while (p < python_count)
        out[length++] = python[p++].frame;
    return length;
}
