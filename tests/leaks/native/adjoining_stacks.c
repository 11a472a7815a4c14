/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two threads wait. Their stacks adjoin without a guard page, as the C library's do from 2.42 on. The stack of
   the lower one has the only pointer to a block.
   Expected: possibly ?, reachable 101:1 */
#include "native.h"

#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>

enum { STACK_BYTES = 1 << 18 };

static sem_t ready;

static void *wait_for_ever(void *argument)
{
    void *volatile block = argument != NULL ? make(101) : NULL;

    scrub();
    sem_post(&ready);
    for (;;)
        __asm__ volatile("syscall" :: "a"(34) : "rcx", "r11", "memory");
    return block == NULL ? argument : NULL;
}

static void start(char *stack, void *argument)
{
    pthread_attr_t attributes;
    pthread_t thread;

    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, stack, STACK_BYTES);
    pthread_create(&thread, &attributes, wait_for_ever, argument);
    pthread_attr_destroy(&attributes);
    while (sem_wait(&ready) != 0)
        ;
}

static NOINLINE void run(void)
{
    char *low = mmap(NULL, 2 * STACK_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    for (int i = 0; i < 2; i++)
        mmap(low + i * STACK_BYTES, STACK_BYTES, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    sem_init(&ready, 0, 0);
    start(low, low);
    start(low + STACK_BYTES, NULL);
}

RUN_AND_SCRUB
