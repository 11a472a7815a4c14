/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A later leader takes over two earlier ones with all that they hold.
   Expected: definitely 32:1, indirectly 96:4 */
#include "native.h"

static NOINLINE void run(void)
{
    void **a = (void **)make(16), *below_a = make(24);
    void **b = (void **)make(16), *below_b = make(40);
    void **top = (void **)make(32);

    a[0] = below_a;
    b[1] = below_b;
    top[1] = a;
    top[2] = b;
}

RUN_AND_SCRUB
