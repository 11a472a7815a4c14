/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A lost array of pointers to a thousand blocks.
   Expected: definitely 8000:1, indirectly 16000:1000 */
#include "native.h"

static NOINLINE void run(void)
{
    void **array = (void **)make(8000);

    for (int i = 0; i < 1000; i++)
        array[i] = make(16);
}

RUN_AND_SCRUB
