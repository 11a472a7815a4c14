/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A block that grew and moved is held by its new address.
   Expected: reachable 5000:1 */
#include "native.h"

void *kept;

static NOINLINE void run(void)
{
    kept = make(50);
    void *between = make(10);
    kept = realloc(kept, 5000);
    memset(kept, 0, 5000);
    free(between);
}

RUN_AND_SCRUB
