/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stable sorts: of numbers (usually indices) in the order that a caller defines, and of items by
   a key. */
#ifndef PM_SORT_H
#define PM_SORT_H

#include "base/pm_types.h"

/* Sorts items so that compare(context, a, b) <= 0 for neighbours a, b. Merge
   sort: n log n compares, one temporary copy. */
void pm_sort_u32(u32 *items, size_t count, int (*compare)(const void *context, u32 a, u32 b),
                 const void *context);

struct pm_keyed {
    u64 key;
    u32 item;
};

/* Sorts items by key, ascending. A radix sort that leaves out digits that are the same in all
   keys: linear, one temporary copy. For many items, since it calls no function for each. */
void pm_sort_keyed(struct pm_keyed *items, size_t count);

#endif
