/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A pointer into the old place of a block that moved does not hold it.
   Expected: definitely 6000:1 */
#include "native.h"

char *kept;

static NOINLINE void run(void)
{
    char *block = (char *)make(50), *between = (char *)make(10);

    kept = block;
    block = (char *)realloc(block, 6000);
    memset(block, 0, 6000);
    free(between);
    if (block == kept)
        abort();
}

RUN_AND_SCRUB
