/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A static array holds every second of its blocks.
   Expected: definitely 500:5, reachable 500:5 */
#include "native.h"

static void *array[10];

static NOINLINE void run(void)
{
    for (int i = 0; i < 10; i++)
        array[i] = make(100);
    for (int i = 0; i < 10; i += 2)
        array[i] = NULL;
}

RUN_AND_SCRUB
