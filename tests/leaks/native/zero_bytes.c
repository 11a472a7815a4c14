/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blocks of no bytes: one held by its address, one by the address after it,
   one lost.
   Expected: definitely 0:2, reachable 0:1 */
#include "native.h"

char *kept, *past;

/* gcc 14 warns of malloc(0). */
static volatile size_t nothing;

static NOINLINE void run(void)
{
    kept = (char *)malloc(nothing);
    past = (char *)malloc(nothing) + 1;
    free(malloc(nothing));
    malloc(nothing);
}

RUN_AND_SCRUB
