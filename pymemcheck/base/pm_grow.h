/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arrays whose elements are found by a number that others give, such as a thread's or a stack's: they grow when a
   larger number comes, and what was never written is zero. */
#ifndef PM_GROW_H
#define PM_GROW_H

#include "base/pm_types.h"

/* The part of pm_grow_to that is seldom needed. */
void *pm_grow(const char *tag, void *array, u32 *capacity, u32 number, size_t element_bytes);

/* Makes sure that array, with room for *capacity elements, has one of that number. Returns where the array is now; all
   new elements are zero. array is from pm_alloc or from here, or NULL with capacity 0; release it with pm_free. tag:
   as in pm_alloc. Cost: constant on the average, if numbers are given out in order. */
static inline void *pm_grow_to(const char *tag, void *array, u32 *capacity, u32 number, size_t element_bytes)
{
    return number < *capacity ? array : pm_grow(tag, array, capacity, number, element_bytes);
}

#endif
