/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bottom-up merge sort between the items and one scratch array. */
#include "base/pm_sort.h"

#include "base/pm_platform.h"

static void merge(const u32 *from, u32 *to, size_t start, size_t middle, size_t end,
                  int (*compare)(const void *context, u32 a, u32 b), const void *context)
{
    size_t left = start, right = middle;

    for (size_t i = start; i < end; i++) {
        bool take_left = left < middle
            && (right >= end || compare(context, from[left], from[right]) <= 0);
        to[i] = take_left ? from[left++] : from[right++];
    }
}

void pm_sort_u32(u32 *items, size_t count, int (*compare)(const void *context, u32 a, u32 b),
                 const void *context)
{
    u32 *scratch = pm_alloc("pm.sort", count * sizeof *scratch);
    u32 *from = items, *to = scratch;

    for (size_t width = 1; width < count; width *= 2) {
        for (size_t start = 0; start < count; start += 2 * width) {
            size_t middle = start + width < count ? start + width : count;
            size_t end = start + 2 * width < count ? start + 2 * width : count;
            merge(from, to, start, middle, end, compare, context);
        }
        u32 *swap = from;
        from = to;
        to = swap;
    }
    if (from != items)
        pm_copy(items, from, count * sizeof *items);
    pm_free(scratch);
}
