/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Large blocks: one holds a small one by a pointer at its end, one is lost
   with one that it holds.
   Expected: definitely 3000000:1, indirectly 24:1, reachable 5000016:2 */
#include "native.h"

char *kept;

static NOINLINE void run(void)
{
    char *block;

    kept = (char *)make(5000000);
    *(void **)(kept + 5000000 - 8) = make(16);
    block = (char *)make(3000000);
    *(void **)(block + 1234568) = make(24);
}

RUN_AND_SCRUB
