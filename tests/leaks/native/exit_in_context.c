/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The program exits on a stack of its own: the main stack still holds a block.
   Expected: definitely 102:1, reachable 204:2 */
#include "native.h"

#include <sys/mman.h>
#include <ucontext.h>

static ucontext_t main_context, other_context;

static void other(void)
{
    void *volatile block = make(103);

    make(102);
    scrub();
    exit(block == NULL);
}

int main(void)
{
    void *volatile block = make(101);
    size_t bytes = 256 * 1024;

    getcontext(&other_context);
    other_context.uc_stack.ss_sp = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    other_context.uc_stack.ss_size = bytes;
    makecontext(&other_context, other, 0);
    swapcontext(&main_context, &other_context);
    return block == NULL;
}
