/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Aligned blocks: held at the start, held inside, lost.
   Expected: definitely 128:1, possibly 300:1, reachable 4096:1 */
#include "native.h"

void *kept;
char *inside;

static NOINLINE void run(void)
{
    void *block;

    if (posix_memalign(&block, 4096, 4096) != 0)
        abort();
    kept = memset(block, 0, 4096);
    if (posix_memalign(&block, 1024, 300) != 0)
        abort();
    inside = (char *)memset(block, 0, 300) + 100;
    memset(aligned_alloc(64, 128), 0, 128);
}

RUN_AND_SCRUB
