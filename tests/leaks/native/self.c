/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A lost block that points to itself.
   Expected: definitely 16:1 */
#include "native.h"

static NOINLINE void run(void)
{
    void **block = (void **)make(16);
    block[1] = block;
}

RUN_AND_SCRUB
