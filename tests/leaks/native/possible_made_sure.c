/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A start pointer found late makes a possible block and all behind it
   reachable.
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
