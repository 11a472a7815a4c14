/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heap/pm_freed.h"

#include "base/pm_platform.h"

void pm_freed_init(struct pm_freed *freed, u64 volume_bytes, u64 most_waiting, u64 most_small)
{
    u64 capacity = PM_FREED_BLOCKS;

    while (capacity < volume_bytes / PM_FREED_MEAN_BYTES)
        capacity *= 2;
    if (most_waiting == 0 || most_waiting >= capacity)
        most_waiting = capacity - 1;
    *freed = (struct pm_freed){
        .ring = pm_alloc("pm.freed", capacity * sizeof *freed->ring),
        .capacity = capacity,
        .most_waiting = most_waiting,
        .most_small = most_small != 0 && most_small < most_waiting ? most_small : most_waiting,
        .volume_bytes = volume_bytes,
    };
}

void pm_freed_release(struct pm_freed *freed)
{
    pm_free(freed->ring);
    *freed = (struct pm_freed){ 0 };
}

const struct pm_freed_block *pm_freed_find(const struct pm_freed *freed, u64 address)
{
    u64 kept = freed->count < freed->capacity ? freed->count : freed->capacity;

    for (u64 i = 1; i <= kept; i++) {
        const struct pm_freed_block *block = &freed->ring[(freed->count - i) & (freed->capacity - 1)];
        if (address - block->address < block->bytes || address == block->address)
            return block;
    }
    return NULL;
}
