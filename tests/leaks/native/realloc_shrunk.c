/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A pointer to what a smaller realloc cut off is one past the end.
   Expected: definitely 64:1 */
#include "native.h"

char *kept;

static NOINLINE void run(void)
{
    char *block = (char *)make(200);
    kept = (char *)realloc(block, 64) + 100;
}

RUN_AND_SCRUB
