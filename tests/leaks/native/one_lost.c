/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nothing points to the block.
   Expected: definitely 32:1 */
#include "native.h"

static NOINLINE void run(void)
{
    make(32);
}

RUN_AND_SCRUB
