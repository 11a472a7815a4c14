/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A lost block holds a ring by its second member, and has a higher address: there are two
   leaders.
   Expected: definitely 32:2, indirectly 16:1 */
#include "native.h"

static NOINLINE void run(void)
{
    void **a = (void **)make(16), **b = (void **)make(16), **holder = (void **)make(16);

    a[0] = b;
    b[0] = a;
    holder[0] = b;
}

RUN_AND_SCRUB
