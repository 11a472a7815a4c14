/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blocks of no bytes: one held by its address, one by the address after it,
   one lost.
   Expected: definitely 0:2, reachable 0:1 */
#include "native.h"

char *kept, *past;

static NOINLINE void run(void)
{
    kept = (char *)malloc(0);
    past = (char *)malloc(0) + 1;
    free(malloc(0));
    malloc(0);
}

RUN_AND_SCRUB
