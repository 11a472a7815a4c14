/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A pointer to the bytes before a block is no pointer to it.
   Expected: definitely 48:1 */
#include "native.h"

char *kept;

static NOINLINE void run(void)
{
    kept = (char *)make(48) - 8;
}

RUN_AND_SCRUB
