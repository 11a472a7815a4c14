/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/pm_map.h"

#include "base/pm_platform.h"

enum { INITIAL_CELLS = 16 };

static void allocate(struct pm_map *map, u64 cells)
{
    map->entries = pm_alloc("pm.map", cells * sizeof *map->entries);
    map->mask = cells - 1;
    pm_map_clear(map);
}

void pm_map_init(struct pm_map *map)
{
    allocate(map, INITIAL_CELLS);
}

void pm_map_release(struct pm_map *map)
{
    pm_free(map->entries);
    *map = (struct pm_map){ 0 };
}

void pm_map_clear(struct pm_map *map)
{
    for (u64 cell = 0; cell <= map->mask; cell++)
        map->entries[cell].value = PM_MAP_EMPTY;
    map->count = 0;
}

static bool is_used(const struct pm_map *map, u64 cell)
{
    return map->entries[cell].value != PM_MAP_EMPTY;
}

/* The cell that holds key, or the empty one where it would go. */
static u64 cell_of(const struct pm_map *map, u64 key)
{
    u64 cell = pm_hash_u64(key) & map->mask;

    while (is_used(map, cell) && map->entries[cell].key != key)
        cell = (cell + 1) & map->mask;
    return cell;
}

void pm_map_prefetch(const struct pm_map *map, u64 key)
{
    __builtin_prefetch(&map->entries[pm_hash_u64(key) & map->mask]);
}

u64 *pm_map_get(const struct pm_map *map, u64 key)
{
    u64 cell = cell_of(map, key);
    return is_used(map, cell) ? &map->entries[cell].value : NULL;
}

static void grow(struct pm_map *map)
{
    struct pm_map old = *map;

    allocate(map, (old.mask + 1) * 2);
    for (u64 i = 0; i <= old.mask; i++)
        if (is_used(&old, i))
            pm_map_put(map, old.entries[i].key, old.entries[i].value);
    pm_map_release(&old);
}

void pm_map_put(struct pm_map *map, u64 key, u64 value)
{
    u64 cell = cell_of(map, key);

    PM_ASSERT(value != PM_MAP_EMPTY);
    if (!is_used(map, cell)) {
        if ((map->count + 1) * 4 > (map->mask + 1) * 3) {
            grow(map);
            cell = cell_of(map, key);
        }
        map->entries[cell].key = key;
        map->count++;
    }
    map->entries[cell].value = value;
}

bool pm_map_remove(struct pm_map *map, u64 key)
{
    u64 hole = cell_of(map, key);

    if (!is_used(map, hole))
        return false;
    /* Close the hole: an entry further on moves into it unless its own place
       lies between the hole and itself. */
    for (u64 i = (hole + 1) & map->mask; is_used(map, i); i = (i + 1) & map->mask) {
        u64 home = pm_hash_u64(map->entries[i].key) & map->mask;
        if (((i - home) & map->mask) >= ((i - hole) & map->mask)) {
            map->entries[hole] = map->entries[i];
            hole = i;
        }
    }
    map->entries[hole].value = PM_MAP_EMPTY;
    map->count--;
    return true;
}

u64 pm_hash_bytes(const void *bytes, size_t length)
{
    const u8 *p = bytes;
    u64 hash = 0x9e3779b97f4a7c15ull ^ length;

    for (; length >= 8; length -= 8, p += 8) {
        u64 word;
        pm_copy(&word, p, 8);
        hash = (hash ^ word) * 0x9fb21c651e98df25ull;
        hash ^= hash >> 28;
    }
    if (length > 0) {
        u64 word = 0;
        pm_copy(&word, p, length);
        hash = (hash ^ word) * 0x9fb21c651e98df25ull;
    }
    return pm_hash_u64(hash);
}
