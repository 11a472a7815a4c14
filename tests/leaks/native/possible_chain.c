/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a possibly lost block points to is possibly lost.
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
