/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A possibly lost block points to others, which are possibly lost too.
   Expected: possibly 96:3 */
#include "native.h"

char *kept;

static NOINLINE void run(void)
{
    char **first = (char **)make(48), **second = (char **)make(32);

    first[0] = (char *)second;
    second[3] = (char *)make(16) + 4;
    kept = (char *)first + 24;
}

RUN_AND_SCRUB
