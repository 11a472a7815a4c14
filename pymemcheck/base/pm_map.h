/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A hash map from u64 to u64: open addressing, linear probing, load at most 3/4. Any key is
   allowed, and any value but PM_MAP_EMPTY, which marks empty cells. Removal shifts entries back, so
   there are no tombstones and a long-lived map does not decay. */
#ifndef PM_MAP_H
#define PM_MAP_H

#include "base/pm_types.h"

#define PM_MAP_EMPTY UINT64_MAX

struct pm_map_entry {
    u64 key, value;
};

struct pm_map {
    struct pm_map_entry *entries;
    u64 count;
    u64 mask;           /* cells - 1; cells is a power of two */
};

void pm_map_init(struct pm_map *map);
void pm_map_release(struct pm_map *map);
void pm_map_clear(struct pm_map *map);

/* Prefetches for pm_map_get of key. */
void pm_map_prefetch(const struct pm_map *map, u64 key);
/* Points to key's value or is NULL. Valid until the next put or remove. */
u64 *pm_map_get(const struct pm_map *map, u64 key);
/* Stores value under key and replaces an older one. */
void pm_map_put(struct pm_map *map, u64 key, u64 value);
/* Removes key; false if it was not there. */
bool pm_map_remove(struct pm_map *map, u64 key);

/* Mixes all bits of x. The map's own hash, and that of other tables. */
static inline u64 pm_hash_u64(u64 x)
{
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93ull;
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93ull;
    x ^= x >> 32;
    return x;
}

/* The cell to probe at try number tries (from 0) for an item with this hash, in a table of mask + 1
   cells. For tables whose items are looked up in about the order in which they were made.

   The first eight tries are near cell number near, which grows with the number of items; those
   cells share lines of the processor's cache. Cells near all items can be one long full run.
   Later tries must leave it, so their step is a quarter to three quarters of the table. The step
   is odd, so that every cell is reached. */
static inline u32 pm_near_cell(u32 near, u64 hash, u32 tries, u32 mask)
{
    enum { NEAR_CELLS = 8 };

    const u32 step = ((u32)(hash >> 32) & mask >> 1) + (mask >> 2);

    return (tries < NEAR_CELLS ? near + ((u32)(hash >> 32) & (NEAR_CELLS - 1)) + tries
                               : (u32)hash + (tries - NEAR_CELLS) * (step | 1)) & mask;
}

/* Hash of a byte string. */
u64 pm_hash_bytes(const void *bytes, size_t length);

#endif
