/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thread that waits holds a block in a thread-local variable and another one
   on its stack.
   Expected: definitely 84:1, possibly ?, reachable 165:2 */
#include "native.h"

#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

static __thread void *kept;
static sem_t ready;

static void *wait_for_ever(void *argument)
{
    void *volatile block = make(83);

    kept = make(82);
    make(84);
    scrub();
    sem_post(&ready);
    for (;;)
        pause();
    return block == NULL ? argument : NULL;
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
