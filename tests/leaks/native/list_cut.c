/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The middle of a kept list is cut out and lost.
   Expected: definitely 24:1, indirectly 48:2, reachable 168:7 */
#include "native.h"

struct node {
    struct node *next;
    uint64_t value[2];
};
struct node *kept;

static NOINLINE void run(void)
{
    struct node *node;

    for (int i = 0; i < 10; i++) {
        node = (struct node *)make(sizeof *node);
        node->next = kept;
        kept = node;
    }
    /* kept -> 9 8 7 6 ...: 7, 6 and 5 go. */
    struct node *cut = kept->next->next;
    kept->next->next = cut->next->next->next;
    cut->next->next->next = NULL;
}

RUN_AND_SCRUB
