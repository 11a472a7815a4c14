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
    stacks->whole_mask = 1023;
    stacks->whole = pm_alloc_zero("pm.stacks", (stacks->whole_mask + 1) * sizeof *stacks->whole);
}

void pm_stacks_release(struct pm_stacks *stacks)
{
    pm_free(stacks->nodes);
    pm_free(stacks->slots);
    pm_free(stacks->whole);
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

/* Pushes the frames that differ from the stack pushed last. */
static struct pm_stack_id push_all(struct pm_stacks *stacks, const struct pm_frame_id *frames,
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

/* The nodes of a stack were mostly made one after the other and lie so. */
static bool has_frames(const struct pm_stacks *stacks, u32 id, const struct pm_frame_id *frames,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct pm_stack_node node = stacks->nodes[id];
        if (id == 0 || node.frame.v != frames[i].v)
            return false;
        id = node.parent.v;
    }
    return id == 0;
}

static void grow_whole(struct pm_stacks *stacks)
{
    struct pm_whole_stack *old = stacks->whole;
    u32 old_mask = stacks->whole_mask;

    stacks->whole_mask = 2 * old_mask + 1;
    stacks->whole = pm_alloc_zero("pm.stacks",
                                  ((size_t)stacks->whole_mask + 1) * sizeof *stacks->whole);
    for (size_t i = 0; i <= old_mask; i++) {
        u32 slot = old[i].hash & stacks->whole_mask;
        if (old[i].id == 0)
            continue;
        while (stacks->whole[slot].id != 0)
            slot = (slot + 1) & stacks->whole_mask;
        stacks->whole[slot] = old[i];
    }
    pm_free(old);
}

struct pm_stack_id pm_stacks_intern(struct pm_stacks *stacks, const struct pm_frame_id *frames,
                                    size_t count)
{
    if (count == 0)
        return PM_STACK_EMPTY;
    if (stacks->whole_count > stacks->whole_mask / 2)
        grow_whole(stacks);
    u32 hash = (u32)pm_hash_bytes(frames, count * sizeof *frames);
    u32 slot = hash & stacks->whole_mask;
    for (; stacks->whole[slot].id != 0; slot = (slot + 1) & stacks->whole_mask)
        if (stacks->whole[slot].hash == hash
                && has_frames(stacks, stacks->whole[slot].id, frames, count))
            return (struct pm_stack_id){ stacks->whole[slot].id };
    struct pm_stack_id id = push_all(stacks, frames, count);
    stacks->whole[slot] = (struct pm_whole_stack){ hash, id.v };
    stacks->whole_count++;
    return id;
}
