/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Only whole words of a block can be pointers: the one at the end of 12 bytes
   is half inside.
   Expected: definitely 24:1, reachable 20:1 */
#include "native.h"

char *kept;

static NOINLINE void run(void)
{
    uint64_t pointer = (uint64_t)make(24);

    kept = (char *)make(20);
    memcpy(kept + 16, &pointer, 4);
}

RUN_AND_SCRUB
