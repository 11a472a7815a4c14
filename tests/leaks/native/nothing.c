/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All blocks are freed.
   Expected: nothing */
#include "native.h"

static NOINLINE void run(void)
{
    free(make(100));
    free(make(200));
}

RUN_AND_SCRUB
