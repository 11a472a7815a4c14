/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private and shared anonymous mappings hold blocks; a page made read-only or
   inaccessible holds none.
   Expected: definitely 181:2, reachable 179:2 */
#include "native.h"

#include <sys/mman.h>

static void hold(int flags, int protection, size_t bytes)
{
    void **page = (void **)mmap(NULL, 4096, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

    page[7] = make(bytes);
    mprotect(page, 4096, protection);
}

static NOINLINE void run(void)
{
    hold(MAP_PRIVATE, PROT_READ | PROT_WRITE, 89);
    hold(MAP_SHARED, PROT_READ | PROT_WRITE, 90);
    hold(MAP_PRIVATE, PROT_READ, 91 - 1);
    hold(MAP_PRIVATE, PROT_NONE, 91);
}

RUN_AND_SCRUB
