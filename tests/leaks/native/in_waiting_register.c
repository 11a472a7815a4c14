/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Only a register of a thread that waits holds the block while another thread
   ends the process.
   Expected: possibly ?, reachable 80:1 */
#include "native.h"

#include <pthread.h>
#include <semaphore.h>

static sem_t ready;

static void *wait_for_ever(void *argument)
{
    register void *block __asm__("r12") = make(80);

    scrub();
    sem_post(&ready);
    for (;;)
        __asm__ volatile("syscall" :: "a"(34), "r"(block) : "rcx", "r11", "memory");
    return argument;
}

static NOINLINE void run(void)
{
    pthread_t thread;

    sem_init(&ready, 0, 0);
    pthread_create(&thread, NULL, wait_for_ever, NULL);
    while (sem_wait(&ready) != 0)
        ;
}

RUN_AND_SCRUB
