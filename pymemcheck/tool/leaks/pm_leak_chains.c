/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tool/leaks/pm_leak_chains.h"

#include "base/pm_platform.h"
#include "base/pm_sort.h"
#include "tool/leaks/pm_leak_chain.h"

enum { MAX_STEPS = 24 };

struct pm_leak_chain_block {
    u32 index, record;
    bool is_object;
};

void pm_leak_chains_init(struct pm_leak_chains *chains, struct pm_leak_state *check,
                         struct pm_losses *losses)
{
    *chains = (struct pm_leak_chains){ .check = check, .losses = losses };
}

void pm_leak_chains_note(struct pm_leak_chains *chains, u32 index, u32 record, bool is_object)
{
    if (chains->count == chains->capacity) {
        chains->capacity = chains->capacity ? chains->capacity * 2 : 256;
        chains->blocks = pm_realloc("pm.leak_chains", chains->blocks,
                                    chains->capacity * sizeof *chains->blocks);
    }
    chains->blocks[chains->count++] = (struct pm_leak_chain_block){ index, record, is_object };
}

/* The number of what keeps a block alive: the nearest object on its chain, which is an object itself or has
   this memory for a part of its own; else the root. */
static u64 holder_of(const struct pm_leak_state *check, u32 index)
{
    for (u32 steps = 0; steps < MAX_STEPS; steps++) {
        const u32 from = pm_leak_from_block(&check->found[index]);
        if (from == PM_LEAK_NONE)
            return (u64)check->count + pm_leak_from_root(&check->found[index]);
        if (pm_leak_owner(check, from) != PM_LEAK_NONE)
            return pm_leak_owner(check, from);
        if (check->found[from].flags & PM_LEAK_OBJECT)
            return from;
        index = from;
    }
    return index;
}

/* Whether a block helps to choose its record's chain. */
static bool *find_voters(const struct pm_leak_chains *chains)
{
    bool *has_objects = pm_alloc_zero("pm.leak_chains", chains->losses->count + 1);
    bool *votes = pm_alloc_zero("pm.leak_chains", chains->count + 1);

    for (u32 i = 0; i < chains->count; i++)
        has_objects[chains->blocks[i].record] |= chains->blocks[i].is_object;
    for (u32 i = 0; i < chains->count; i++)
        votes[i] = chains->blocks[i].is_object || !has_objects[chains->blocks[i].record];
    pm_free(has_objects);
    return votes;
}

/* Those of one record have equal upper halves of their keys, and those of one holder equal keys. Blocks
   were noted by ascending addresses, and the sort is stable. */
static struct pm_keyed *sort_by_holder(const struct pm_leak_chains *chains, const bool *votes, u32 *count)
{
    struct pm_keyed *order = pm_alloc("pm.leak_chains", (chains->count + 1) * sizeof *order);

    *count = 0;
    for (u32 i = 0; i < chains->count; i++)
        if (votes[i])
            order[(*count)++] = (struct pm_keyed){
                (u64)chains->blocks[i].record << 32 | (u32)holder_of(chains->check, chains->blocks[i].index), i };
    pm_sort_keyed(order, *count);
    return order;
}

void pm_leak_chains_add(struct pm_leak_chains *chains)
{
    bool *votes = find_voters(chains);
    u32 count, first = 0;
    struct pm_keyed *order = sort_by_holder(chains, votes, &count);

    while (first < count) {
        const u64 record = order[first].key >> 32;
        u32 best = first, most = 0, end = first;
        while (end < count && order[end].key >> 32 == record) {
            const u32 start = end;
            while (end < count && order[end].key == order[start].key)
                end++;
            if (end - start > most) {
                most = end - start;
                best = start;
            }
        }
        pm_leak_chain_add(chains->check, chains->blocks[order[best].item].index, chains->losses, (u32)record);
        chains->losses->records[record].chain_blocks = most;
        first = end;
    }
    pm_free(order);
    pm_free(votes);
    pm_free(chains->blocks);
    *chains = (struct pm_leak_chains){ .check = NULL };
}
