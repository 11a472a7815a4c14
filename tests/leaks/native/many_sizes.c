/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blocks of each size up to 600, every third kept.
   Expected: definitely 120000:400, reachable 60300:200 */
#include "native.h"

static void *kept[600];

static NOINLINE void run(void)
{
    for (size_t i = 1; i <= 600; i++) {
        void *block = make(i);
        if (i % 3 == 0)
            kept[i - 1] = block;
    }
}

RUN_AND_SCRUB
