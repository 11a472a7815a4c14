/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A function frees a block at exit: it is not leaked.
   Expected: reachable 21:1 */
#include "native.h"

static void *freed, *kept;

static void tidy(void)
{
    free(freed);
    freed = NULL;
}

static NOINLINE void run(void)
{
    freed = make(20);
    kept = make(21);
    atexit(tidy);
}

RUN_AND_SCRUB
