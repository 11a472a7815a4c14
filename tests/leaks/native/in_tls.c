/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thread-local variable of the main thread holds the block.
   Expected: reachable 81:1 */
#include "native.h"

static __thread void *kept;

static NOINLINE void run(void)
{
    kept = make(81);
}

RUN_AND_SCRUB
