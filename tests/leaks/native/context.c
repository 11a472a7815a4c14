/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A context that waits on a stack of its own, in a mapping, holds a block.
   Expected: definitely 100:1, reachable 99:1 */
#include "native.h"

#include <sys/mman.h>
#include <ucontext.h>

static ucontext_t main_context, other_context;

static void other(void)
{
    void *volatile block = make(99);

    make(100);
    scrub();
    swapcontext(&other_context, &main_context);
    exit(block == NULL);
}

static NOINLINE void run(void)
{
    size_t bytes = 256 * 1024;

    getcontext(&other_context);
    other_context.uc_stack.ss_sp = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    other_context.uc_stack.ss_size = bytes;
    makecontext(&other_context, other, 0);
    swapcontext(&main_context, &other_context);
}

RUN_AND_SCRUB
