/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A stable sort of small numbers (usually indices) by a caller's order. */
#ifndef PM_SORT_H
#define PM_SORT_H

#include "base/pm_types.h"

/* Sorts items so that compare(context, a, b) <= 0 for neighbours a, b. Merge
   sort: n log n compares, one temporary copy. */
void pm_sort_u32(u32 *items, size_t count, int (*compare)(const void *context, u32 a, u32 b),
                 const void *context);

#endif
