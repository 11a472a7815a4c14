/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heap/pm_stacks.h"

#include "base/pm_platform.h"

/* Stack ids are 28 bits wide in struct pm_block. */
#define MAX_STACKS ((u32)1 << 28)

void pm_stacks_init(struct pm_stacks *stacks)
{
    *stacks = (struct pm_stacks){ .capacity = 1024, .count = 1 };
    stacks->nodes = pm_alloc("pm.stacks", stacks->capacity * sizeof *stacks->nodes);
    stacks->nodes[0] = (struct pm_stack_node){ PM_STACK_EMPTY, { 0 } };
    pm_map_init(&stacks->children);
}

void pm_stacks_release(struct pm_stacks *stacks)
{
    pm_free(stacks->nodes);
    pm_map_release(&stacks->children);
    pm_free(stacks->last);
    *stacks = (struct pm_stacks){ 0 };
}

struct pm_stack_id pm_stacks_push(struct pm_stacks *stacks, struct pm_stack_id parent,
                                  struct pm_frame_id frame)
{
    u64 key = (u64)parent.v << 32 | frame.v;
    const u64 *found = pm_map_get(&stacks->children, key);

    if (found != NULL)
        return (struct pm_stack_id){ (u32)*found };
    PM_ASSERT(stacks->count < MAX_STACKS);
    if (stacks->count == stacks->capacity) {
        stacks->capacity *= 2;
        stacks->nodes = pm_realloc("pm.stacks", stacks->nodes,
                                   stacks->capacity * sizeof *stacks->nodes);
    }
    stacks->nodes[stacks->count] = (struct pm_stack_node){ parent, frame };
    pm_map_put(&stacks->children, key, stacks->count);
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
    }
    while (depth < count && depth < stacks->last_length
            && stacks->nodes[stacks->last[depth].v].frame.v == frames[count - 1 - depth].v)
        id = stacks->last[depth++];
    for (; depth < count; depth++) {
        id = pm_stacks_push(stacks, id, frames[count - 1 - depth]);
        stacks->last[depth] = id;
    }
    stacks->last_length = count;
    return id;
}
