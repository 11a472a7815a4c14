/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The only holder of a block is freed.
   Expected: definitely 72:1 */
#include "native.h"

static NOINLINE void run(void)
{
    void **holder = (void **)make(24);
    holder[1] = make(72);
    free(holder);
}

RUN_AND_SCRUB
