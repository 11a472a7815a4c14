/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heap/pm_stacks.h"

#include "base/pm_map.h"
#include "base/pm_platform.h"

/* Stack ids are 28 bits wide in struct pm_block. */
#define MAX_STACKS ((u32)1 << 28)

void pm_stacks_init(struct pm_stacks *stacks)
{
    *stacks = (struct pm_stacks){ .capacity = 1024, .count = 1 };
    stacks->nodes = pm_alloc("pm.stacks", stacks->capacity * sizeof *stacks->nodes);
    stacks->nodes[0] = (struct pm_stack_node){ PM_STACK_EMPTY, { 0 } };
    stacks->slots_mask = 4 * stacks->capacity - 1;
    stacks->slots = pm_alloc_zero("pm.stacks", (stacks->slots_mask + 1) * sizeof *stacks->slots);
}

void pm_stacks_release(struct pm_stacks *stacks)
{
    pm_free(stacks->nodes);
    pm_free(stacks->slots);
    pm_free(stacks->last);
    pm_free(stacks->last_frames);
    *stacks = (struct pm_stacks){ 0 };
}

static u32 home_of(const struct pm_stacks *stacks, struct pm_stack_node node)
{
    return (u32)pm_hash_u64((u64)node.parent.v << 32 | node.frame.v) & stacks->slots_mask;
}

/* Room for one more node: the table is kept at most half full. */
static void grow(struct pm_stacks *stacks)
{
    stacks->capacity *= 2;
    stacks->nodes = pm_realloc("pm.stacks", stacks->nodes,
                               stacks->capacity * sizeof *stacks->nodes);
    pm_free(stacks->slots);
    stacks->slots_mask = 2 * stacks->capacity - 1;
    stacks->slots = pm_alloc_zero("pm.stacks",
                                  ((size_t)stacks->slots_mask + 1) * sizeof *stacks->slots);
    for (u32 id = 1; id < stacks->count; id++) {
        u32 slot = home_of(stacks, stacks->nodes[id]);
        while (stacks->slots[slot] != 0)
            slot = (slot + 1) & stacks->slots_mask;
        stacks->slots[slot] = id;
    }
}

struct pm_stack_id pm_stacks_push(struct pm_stacks *stacks, struct pm_stack_id parent,
                                  struct pm_frame_id frame)
{
    const struct pm_stack_node wanted = { parent, frame };

    if (stacks->count == stacks->capacity) {
        PM_ASSERT(stacks->count < MAX_STACKS);
        grow(stacks);
    }
    u32 slot = home_of(stacks, wanted);
    for (; stacks->slots[slot] != 0; slot = (slot + 1) & stacks->slots_mask) {
        struct pm_stack_node node = stacks->nodes[stacks->slots[slot]];
        if (node.parent.v == parent.v && node.frame.v == frame.v)
            return (struct pm_stack_id){ stacks->slots[slot] };
    }
    stacks->nodes[stacks->count] = wanted;
    stacks->slots[slot] = stacks->count;
    return (struct pm_stack_id){ stacks->count++ };
}

struct pm_stack_id pm_stacks_intern(struct pm_stacks *stacks, const struct pm_frame_id *frames,
                                    size_t count)
{
    struct pm_stack_id id = PM_STACK_EMPTY;
    size_t depth = 0;

    if (count > stacks->last_capacity) {
        stacks->last_capacity = 2 * count;
        stacks->last = pm_realloc("pm.stacks", stacks->last,
                                  stacks->last_capacity * sizeof *stacks->last);
        stacks->last_frames = pm_realloc("pm.stacks", stacks->last_frames,
                                         stacks->last_capacity * sizeof *stacks->last_frames);
    }
    while (depth < count && depth < stacks->last_length
            && stacks->last_frames[depth].v == frames[count - 1 - depth].v)
        id = stacks->last[depth++];
    for (; depth < count; depth++) {
        id = pm_stacks_push(stacks, id, frames[count - 1 - depth]);
        stacks->last[depth] = id;
        stacks->last_frames[depth] = frames[count - 1 - depth];
    }
    stacks->last_length = count;
    return id;
}
