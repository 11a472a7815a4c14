/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A hash map from u64 to u64: open addressing, linear probing, load at most
   3/4. Any key is allowed, and any value but PM_MAP_EMPTY, which empty slots have. Removal shifts
   back, so there are no tombstones and a long-lived map does not decay. */
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
    u64 mask;           /* slots - 1; slots is a power of two */
};

void pm_map_init(struct pm_map *map);
void pm_map_release(struct pm_map *map);
void pm_map_clear(struct pm_map *map);

/* pm_map_get of key will come soon. */
void pm_map_prefetch(const struct pm_map *map, u64 key);
/* Points to key's value or is NULL. Valid until the next put or remove. */
u64 *pm_map_get(const struct pm_map *map, u64 key);
/* Stores value under key, in place of an older one. */
void pm_map_put(struct pm_map *map, u64 key, u64 value);
/* True when key was there. */
bool pm_map_remove(struct pm_map *map, u64 key);

/* Mixes all bits of x; the map's own hash, for others that need one. */
static inline u64 pm_hash_u64(u64 x)
{
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93ull;
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93ull;
    x ^= x >> 32;
    return x;
}

/* Where to look as the tries-th place for what has this hash, in a table of mask + 1 slots whose entries
   are made and looked for one after the other: the eight slots near "near" first, which are in the
   processor's cache together; where they are taken, anywhere. near: grows with the number of entries. So
   the slots near all entries can be one long full run, and what is tried then is in steps that leave it, of
   a quarter to three quarters of the table; and an odd number of slots, to come to every slot. */
static inline u32 pm_near_slot(u32 near, u64 hash, u32 tries, u32 mask)
{
    enum { NEAR_SLOTS = 8 };

    const u32 step = ((u32)(hash >> 32) & mask >> 1) + (mask >> 2);

    return (tries < NEAR_SLOTS ? near + ((u32)(hash >> 32) & (NEAR_SLOTS - 1)) + tries
                               : (u32)hash + (tries - NEAR_SLOTS) * (step | 1)) & mask;
}

/* Hash of a byte string. */
u64 pm_hash_bytes(const void *bytes, size_t length);

#endif
