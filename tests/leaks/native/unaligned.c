/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A pointer at an address that is no multiple of 8 is not seen.
   Expected: definitely 33:1 */
#include "native.h"

static char bytes[32];

static NOINLINE void run(void)
{
    void *block = make(33);
    memcpy(bytes + 3, &block, sizeof block);
}

RUN_AND_SCRUB
