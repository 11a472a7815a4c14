/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ranges of addresses that do not overlap. Neighbours are not merged: each range stays as it was
   added.

   A look-up is a binary search. Adding and removing also move all ranges behind, 16 bytes each. */
#ifndef PM_RANGES_H
#define PM_RANGES_H

#include "base/pm_types.h"

struct pm_range {
    u64 start, end;         /* end is not part of it */
};

struct pm_ranges {
    struct pm_range *entries;   /* ascending */
    u32 count, capacity;
};

/* Zeroed is empty. */
void pm_ranges_release(struct pm_ranges *ranges);

/* Adds a range, and cuts what it overlaps off the others. Does nothing if bytes is 0 or the range
   wraps round. */
void pm_ranges_add(struct pm_ranges *ranges, u64 start, u64 bytes);
/* Removes these addresses, which can split a range in two. */
void pm_ranges_remove(struct pm_ranges *ranges, u64 start, u64 bytes);
/* The range that holds address, or NULL. Valid until the next change. */
const struct pm_range *pm_ranges_at(const struct pm_ranges *ranges, u64 address);
/* Whether a range holds any of these addresses. */
bool pm_ranges_overlap(const struct pm_ranges *ranges, u64 start, u64 bytes);

#endif
