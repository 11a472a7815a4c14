/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heap/pm_stacks.h"

#include "base/pm_map.h"
#include "base/pm_platform.h"

/* Stack ids are 28 bits wide in struct pm_block; a cell has four bits of the hash
   above them. */
enum { ID_BITS = 28 };
#define MAX_STACKS ((u32)1 << ID_BITS)
#define ID_MASK (MAX_STACKS - 1)

enum { INITIAL_NODES = 1024, INITIAL_CELLS = 1024 };

void pm_stacks_init(struct pm_stacks *stacks)
{
    *stacks = (struct pm_stacks){
        .capacity = INITIAL_NODES,
        .count = 1,
        .limit = MAX_STACKS,
        .cells_mask = INITIAL_CELLS - 1,
    };
    stacks->nodes = pm_alloc("pm.stacks", INITIAL_NODES * sizeof *stacks->nodes);
    stacks->nodes[0] = (struct pm_stack_node){ PM_STACK_EMPTY, { 0 } };
    stacks->cells = pm_alloc_zero("pm.stacks", INITIAL_CELLS * sizeof *stacks->cells);
}

void pm_stacks_release(struct pm_stacks *stacks)
{
    pm_free(stacks->nodes);
    pm_free(stacks->cells);
    pm_free(stacks->last);
    pm_free(stacks->last_frames);
    *stacks = (struct pm_stacks){ 0 };
}

struct place {
    u32 cell;
    u32 tag;        /* of the wanted node: the upper bits of its cell */
};

static bool is_node(const struct pm_stacks *stacks, u32 id, struct pm_stack_node wanted)
{
    return stacks->nodes[id].parent.v == wanted.parent.v
        && stacks->nodes[id].frame.v == wanted.frame.v;
}

/* The cell that holds the node, or the empty one where it would go. Nodes that were made at about
   the same time as parent are in cells near it, which are tried first. Nodes are never removed,
   so the first empty cell ends a search. */
static struct place find(const struct pm_stacks *stacks, struct pm_stack_node wanted)
{
    const u64 hash = pm_hash_u64((u64)wanted.parent.v << 32 | wanted.frame.v);
    const u32 tag = (u32)(hash >> 60) << ID_BITS;

    for (u32 tries = 0;; tries++) {
        u32 cell = pm_near_cell(wanted.parent.v, hash, tries, stacks->cells_mask);
        u32 content = stacks->cells[cell];
        if (content == 0
                || ((content & ~ID_MASK) == tag && is_node(stacks, content & ID_MASK, wanted)))
            return (struct place){ cell, tag };
    }
}

static struct pm_stack_id add(struct pm_stacks *stacks, struct pm_stack_node node)
{
    if (stacks->count == stacks->limit) {
        stacks->refused++;
        return node.parent;
    }
    if (stacks->count == stacks->capacity) {
        stacks->capacity *= 2;
        stacks->nodes = pm_realloc("pm.stacks", stacks->nodes,
                                   stacks->capacity * sizeof *stacks->nodes);
    }
    stacks->nodes[stacks->count] = node;
    return (struct pm_stack_id){ stacks->count++ };
}

static void grow_cells(struct pm_stacks *stacks)
{
    const u64 cells = ((u64)stacks->cells_mask + 1) * 2;

    pm_free(stacks->cells);
    stacks->cells_mask = (u32)(cells - 1);
    stacks->cells = pm_alloc_zero("pm.stacks", cells * sizeof *stacks->cells);
    for (u32 id = 1; id < stacks->count; id++) {
        if (stacks->nodes[id].parent.v == id - 1)
            continue;
        struct place place = find(stacks, stacks->nodes[id]);
        stacks->cells[place.cell] = place.tag | id;
    }
}

struct pm_stack_id pm_stacks_push(struct pm_stacks *stacks, struct pm_stack_id parent,
                                  struct pm_frame_id frame)
{
    const struct pm_stack_node wanted = { parent, frame };
    const u32 next = parent.v + 1;

    if (next == stacks->count)
        return add(stacks, wanted);
    if (is_node(stacks, next, wanted))
        return (struct pm_stack_id){ next };
    struct place place = find(stacks, wanted);
    if (stacks->cells[place.cell] != 0)
        return (struct pm_stack_id){ stacks->cells[place.cell] & ID_MASK };
    if (stacks->cells_used > stacks->cells_mask / 2) {
        grow_cells(stacks);
        place = find(stacks, wanted);
    }
    struct pm_stack_id id = add(stacks, wanted);
    if (id.v == parent.v)
        return id;
    stacks->cells[place.cell] = place.tag | id.v;
    stacks->cells_used++;
    return id;
}

/* Pushes the frames that differ from the stack interned last. */
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
