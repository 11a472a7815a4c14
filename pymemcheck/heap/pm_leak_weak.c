/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heap/pm_leak_weak.h"

#include "base/pm_platform.h"

void pm_leak_weak_init(struct pm_leak_weak *weak)
{
    *weak = (struct pm_leak_weak){ 0 };
}

void pm_leak_weak_release(struct pm_leak_weak *weak)
{
    pm_free(weak->rows);
    pm_free(weak->row_of_block);
    pm_leak_weak_init(weak);
}

void pm_leak_weak_add(struct pm_leak_weak *weak, u32 owner, u64 memory, u64 first, u64 end,
                      u32 stride)
{
    PM_ASSERT(stride > 0);
    if (weak->count == weak->capacity) {
        weak->capacity = weak->capacity ? weak->capacity * 2 : 256;
        weak->rows = pm_realloc("pm.leaks.weak", weak->rows, weak->capacity * sizeof *weak->rows);
    }
    weak->rows[weak->count++] = (struct pm_leak_weak_row){ memory, first, end, stride, owner, 0 };
}

void pm_leak_weak_bind(struct pm_leak_weak *weak, struct pm_leaks *leaks)
{
    pm_free(weak->row_of_block);
    weak->row_of_block = pm_alloc_zero("pm.leaks.weak",
                                       (leaks->block_count + 1) * sizeof *weak->row_of_block);
    for (u32 i = 0; i < weak->count; i++) {
        u32 block = pm_leaks_block_at(leaks, weak->rows[i].memory), owner = weak->rows[i].owner;
        if (block == PM_LEAK_NONE
                || (owner != PM_LEAK_NONE && !(leaks->blocks[owner].flags & PM_LEAK_OBJECT)))
            continue;
        weak->rows[i].next = weak->row_of_block[block];
        weak->row_of_block[block] = i + 1;
        leaks->blocks[block].flags |= PM_LEAK_WEAK_WORDS;
    }
}

bool pm_leak_weak_holds(const struct pm_leak_weak *weak, u32 block, u64 address)
{
    for (u32 row = weak->row_of_block[block]; row != 0; row = weak->rows[row - 1].next) {
        const struct pm_leak_weak_row *at = &weak->rows[row - 1];
        if (address >= at->first && address < at->end && (address - at->first) % at->stride == 0)
            return true;
    }
    return false;
}
