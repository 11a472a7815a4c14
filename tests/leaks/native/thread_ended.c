/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thread that ended held blocks in its stack and in a thread-local variable: they are
   lost.
   Expected: definitely 173:2 */
#include "native.h"

#include <pthread.h>

static __thread void *held;

static void *hold(void *argument)
{
    void *volatile block = make(86);

    held = make(87);
    return block == NULL ? argument : NULL;
}

static NOINLINE void run(void)
{
    pthread_t thread;

    pthread_create(&thread, NULL, hold, NULL);
    pthread_join(thread, NULL);
}

RUN_AND_SCRUB
