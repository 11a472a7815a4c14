/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copies of strings, kept and lost.
   Expected: definitely 11:1, reachable 6:1 */
#include "native.h"

char *kept;

static NOINLINE void run(void)
{
    kept = strdup("kept!");
    strndup("and lost ones", 10);
}

RUN_AND_SCRUB
