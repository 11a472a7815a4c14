/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An open stream is held by the C library.
   Expected: reachable ? */
#include "native.h"

static NOINLINE void run(void)
{
    fopen("/dev/null", "r");
}

RUN_AND_SCRUB
