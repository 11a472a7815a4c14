/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pointers behind a length, as sqlite and others keep them: right and almost
   right ones.
   Expected: possibly 240:3 */
#include "native.h"

static char *kept[3];

static char *with_length(size_t bytes, uint64_t length)
{
    uint64_t *block = (uint64_t *)make(bytes);
    block[0] = length;
    return (char *)(block + 1);
}

static NOINLINE void run(void)
{
    kept[0] = with_length(72, 64);
    kept[1] = with_length(80, 80);
    kept[2] = with_length(88, 80) + 8;
}

RUN_AND_SCRUB
