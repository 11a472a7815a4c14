/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A signal handler on an alternate stack holds a block and ends the process.
   Expected: definitely 98:1, reachable 97:1 */
#define _DEFAULT_SOURCE
#include "native.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

static void on_signal(int number)
{
    void *volatile block = make(97);

    make(98);
    scrub();
    _exit(block == NULL || number == 0);
}

static NOINLINE void run(void)
{
    stack_t stack;
    struct sigaction action;

    memset(&stack, 0, sizeof stack);
    memset(&action, 0, sizeof action);
    stack.ss_size = 256 * 1024;
    stack.ss_sp = mmap(NULL, stack.ss_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    sigaltstack(&stack, NULL);
    action.sa_handler = on_signal;
    action.sa_flags = SA_ONSTACK;
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
}

RUN_AND_SCRUB
