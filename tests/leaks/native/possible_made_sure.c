/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The search finds a start pointer to a possibly lost block late: the block and all that it leads
   to are reachable.
   Expected: reachable 112:4 */
#include "native.h"

char *kept;
void **list;

static NOINLINE void run(void)
{
    char **first = (char **)make(48), **second = (char **)make(32);

    first[0] = (char *)second;
    kept = (char *)first + 24;
    list = (void **)make(16);
    list[0] = make(16);
    *(void **)list[0] = first;
}

RUN_AND_SCRUB
