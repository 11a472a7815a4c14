/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A linked list that is lost: its head is definitely lost, the rest
   indirectly.
   Expected: definitely 24:1, indirectly 216:9 */
#include "native.h"

struct node {
    struct node *next;
    uint64_t value[2];
};

static NOINLINE void run(void)
{
    struct node *first = (struct node *)make(sizeof *first), *last = first;

    for (int i = 0; i < 9; i++) {
        last->next = (struct node *)make(sizeof *first);
        last = last->next;
    }
}

RUN_AND_SCRUB
