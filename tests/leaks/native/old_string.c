/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strings in libstdc++'s layout before C++11, by hand: length, capacity,
   references, characters.
   Expected: possibly 177:4 */
#include "native.h"

static char *kept[4];

static char *old_string(size_t length, size_t capacity, size_t room)
{
    uint64_t *block = (uint64_t *)make(24 + room);
    block[0] = length;
    block[1] = capacity;
    return (char *)(block + 3);
}

static NOINLINE void run(void)
{
    kept[0] = old_string(5, 10, 11);
    kept[1] = old_string(20, 20, 21);
    kept[2] = old_string(21, 20, 21);
    kept[3] = old_string(5, 20, 28);
}

RUN_AND_SCRUB
