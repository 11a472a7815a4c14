/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A list whose head is kept.
   Expected: reachable 240:10 */
#include "native.h"

struct node {
    struct node *next;
    uint64_t value[2];
};
struct node *kept;

static NOINLINE void run(void)
{
    for (int i = 0; i < 10; i++) {
        struct node *node = (struct node *)make(sizeof *node);
        node->next = kept;
        kept = node;
    }
}

RUN_AND_SCRUB
