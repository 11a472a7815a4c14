/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A global variable points to the inside of the block.
   Expected: possibly 40:1 */
#include "native.h"

char *kept;

static NOINLINE void run(void)
{
    kept = (char *)make(40) + 8;
}

RUN_AND_SCRUB
