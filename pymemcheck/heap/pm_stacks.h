/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interned stacks: a tree in which a node is one frame and its parent is the
   frame that called it. A stack is the id of its innermost node; walking
   parents goes outwards. Node 0 is the empty stack. Parents always have
   smaller ids than their children.

   Most nodes have one child, which was made right after them. So a search for a child looks at
   the next node first, and only nodes that do not follow their parents are in a hash table.

   The stack interned last is kept. Of the next one, only the frames that differ are pushed: the
   outer frames are mostly the same. */
#ifndef PM_STACKS_H
#define PM_STACKS_H

#include "base/pm_types.h"
#include "heap/pm_frames.h"

struct pm_stack_id {
    u32 v;
};

#define PM_STACK_EMPTY ((struct pm_stack_id){ 0 })

struct pm_stack_node {
    struct pm_stack_id parent;
    struct pm_frame_id frame;
};

struct pm_stacks {
    struct pm_stack_node *nodes;
    u32 count, capacity;
    u32 limit;                  /* most nodes; a test lowers it right after pm_stacks_init */
    u64 refused;                /* pushes that found the table full */
    u32 *cells;                 /* open hash table of the nodes that do not follow their parents:
                                   a node's id and part of its hash; 0: empty */
    u32 cells_mask;             /* cells - 1; a power of two less one */
    u32 cells_used;             /* at most half of them */
    struct pm_stack_id *last;   /* the nodes of the stack interned last, outermost first */
    struct pm_frame_id *last_frames;    /* and their frames */
    size_t last_length, last_capacity;
};

void pm_stacks_init(struct pm_stacks *stacks);
void pm_stacks_release(struct pm_stacks *stacks);

/* The stack in which frame was called by parent. One hash look-up at most. If the table is full, returns parent:
   the frame is left out. */
struct pm_stack_id pm_stacks_push(struct pm_stacks *stacks, struct pm_stack_id parent,
                                  struct pm_frame_id frame);
/* The stack of count frames, given innermost first. One hash look-up at most for each frame not
   in common with the last. */
struct pm_stack_id pm_stacks_intern(struct pm_stacks *stacks, const struct pm_frame_id *frames,
                                    size_t count);

static inline struct pm_stack_node pm_stacks_node(const struct pm_stacks *stacks,
                                                  struct pm_stack_id id)
{
    return stacks->nodes[id.v];
}

#endif
