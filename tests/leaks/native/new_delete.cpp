/* SPDX-License-Identifier: GPL-2.0-or-later */
/* new and new[] of plain types, kept and lost, and a mixture deleted in order.
   Expected: definitely 48:2, reachable 40:2 */
#include "native.h"

static long *kept;
static char *characters;

static NOINLINE void run()
{
    kept = new long(7);
    characters = new char[32]();
    new long(8);
    new long[5]();
    long *gone = new long[4]();
    delete[] gone;
}

RUN_AND_SCRUB
