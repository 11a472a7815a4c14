/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A global variable points to the last byte of one block, and one past the end
   of another.
   Expected: definitely 41:1, possibly 40:1 */
#include "native.h"

char *last, *past;

static NOINLINE void run(void)
{
    last = (char *)make(40) + 39;
    past = (char *)make(41) + 41;
}

RUN_AND_SCRUB
