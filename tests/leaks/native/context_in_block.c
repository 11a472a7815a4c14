/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A context waits on a stack in a block that is kept: what its frame holds is
   reachable.
   Expected: reachable 262248:2 */
#include "native.h"

#include <ucontext.h>

static ucontext_t main_context, other_context;

static void other(void)
{
    void *volatile block = make(104);

    scrub();
    swapcontext(&other_context, &main_context);
    exit(block == NULL);
}

static NOINLINE void run(void)
{
    size_t bytes = 256 * 1024;

    getcontext(&other_context);
    other_context.uc_stack.ss_sp = make(bytes);
    other_context.uc_stack.ss_size = bytes;
    makecontext(&other_context, other, 0);
    swapcontext(&main_context, &other_context);
}

RUN_AND_SCRUB
