/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory from sbrk holds a block.
   Expected: reachable 94:1 */
#define _DEFAULT_SOURCE
#include "native.h"

#include <unistd.h>

static NOINLINE void run(void)
{
    void **memory = (void **)sbrk(4096);

    if (memory == (void **)-1)
        abort();
    memset(memory, 0, 4096);
    memory[3] = make(94);
}

RUN_AND_SCRUB
