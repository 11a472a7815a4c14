/* SPDX-License-Identifier: GPL-2.0-or-later */
/* As a list, but each node has a higher address than the next one.
   Expected: definitely 24:1, indirectly 216:9 */
#include "native.h"

struct node {
    struct node *next;
    uint64_t value[2];
};

static NOINLINE void run(void)
{
    struct node *first = NULL;

    for (int i = 0; i < 10; i++) {
        struct node *node = (struct node *)make(sizeof *node);
        node->next = first;
        first = node;
    }
}

RUN_AND_SCRUB
