/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two lost blocks hold the same block: it belongs to the first.
   Expected: definitely 56:2, indirectly 40:1 */
#include "native.h"

static NOINLINE void run(void)
{
    void **a = (void **)make(24), **b = (void **)make(32), *child = make(40);

    a[0] = child;
    b[0] = child;
}

RUN_AND_SCRUB
