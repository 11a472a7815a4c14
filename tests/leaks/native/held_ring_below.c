/* SPDX-License-Identifier: GPL-2.0-or-later */
/* As held_ring, but the holder has the lower address: it is the only leader.
   Expected: definitely 16:1, indirectly 32:2 */
#include "native.h"

static NOINLINE void run(void)
{
    void **holder = (void **)make(16), **a = (void **)make(16), **b = (void **)make(16);

    a[0] = b;
    b[0] = a;
    holder[0] = b;
}

RUN_AND_SCRUB
