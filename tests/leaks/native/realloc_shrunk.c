/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A pointer to bytes that realloc cut off points past the end of the block.
   Expected: definitely 64:1 */
#include "native.h"

char *kept;

static NOINLINE void run(void)
{
    char *block = (char *)make(200);
    kept = (char *)realloc(block, 64) + 100;
}

RUN_AND_SCRUB
