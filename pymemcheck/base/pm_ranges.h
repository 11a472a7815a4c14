/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ranges of addresses that do not overlap, each kept as it was added: neighbours are not joined.

   Adding and removing takes a binary search and moves what is behind, 16 bytes for each range;
   a look-up is a binary search. */
#ifndef PM_RANGES_H
#define PM_RANGES_H

#include "base/pm_types.h"

struct pm_range {
    u64 start, end;         /* up to, but without, end */
};

struct pm_ranges {
    struct pm_range *entries;   /* ascending */
    u32 count, capacity;
};

/* Zeroed is empty. */
void pm_ranges_release(struct pm_ranges *ranges);

/* Adds a range; what it overlaps is cut off those that are there. Nothing if bytes is 0 or the range
   wraps round. */
void pm_ranges_add(struct pm_ranges *ranges, u64 start, u64 bytes);
/* Takes these addresses out; a range may fall in two. */
void pm_ranges_remove(struct pm_ranges *ranges, u64 start, u64 bytes);
/* The range that holds address, or NULL. Valid until the next change. */
const struct pm_range *pm_ranges_at(const struct pm_ranges *ranges, u64 address);

#endif
