/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A lost doubly linked ring: the block with the lowest address is the leader.
   Expected: definitely 32:1, indirectly 128:4 */
#include "native.h"

struct node {
    struct node *next, *previous;
    uint64_t value[2];
};

static NOINLINE void run(void)
{
    struct node *first = (struct node *)make(sizeof *first);

    first->next = first->previous = first;
    for (int i = 0; i < 4; i++) {
        struct node *node = (struct node *)make(sizeof *node);
        node->next = first->next;
        node->previous = first;
        first->next->previous = node;
        first->next = node;
    }
}

RUN_AND_SCRUB
