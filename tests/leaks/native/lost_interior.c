/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A lost block points into the middle of another one, which is indirectly lost.
   Expected: definitely 16:1, indirectly 64:1 */
#include "native.h"

static NOINLINE void run(void)
{
    char **holder = (char **)make(16);
    holder[0] = (char *)make(64) + 20;
}

RUN_AND_SCRUB
