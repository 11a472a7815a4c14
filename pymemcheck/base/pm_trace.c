/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/pm_trace.h"

/* Of the fields of 1, 2, 4 and 8 bytes that begin at byte at of a word. */
#define MASKS_AT(at) \
    0xffull << 8 * (at), \
    (at) + 2 <= 8 ? 0xffffull << 8 * (at) : 0, \
    (at) + 4 <= 8 ? 0xffffffffull << 8 * (at) : 0, \
    (at) + 8 <= 8 ? ~0ull : 0

const u64 pm_trace_masks[1 << PM_TRACE_FIELD_BITS] = {
    MASKS_AT(0), MASKS_AT(1), MASKS_AT(2), MASKS_AT(3),
    MASKS_AT(4), MASKS_AT(5), MASKS_AT(6), MASKS_AT(7),
};
