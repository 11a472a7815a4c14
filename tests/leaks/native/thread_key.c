/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pthread_setspecific holds a block for a thread that runs.
   Expected: reachable 88:1 */
#include "native.h"

#include <pthread.h>

static NOINLINE void run(void)
{
    pthread_key_t key;

    pthread_key_create(&key, NULL);
    pthread_setspecific(key, make(88));
}

RUN_AND_SCRUB
