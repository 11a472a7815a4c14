/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A global variable points to the block.
   Expected: reachable 32:1 */
#include "native.h"

void *kept;

static NOINLINE void run(void)
{
    kept = make(32);
}

RUN_AND_SCRUB
