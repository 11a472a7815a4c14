/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two threads leak a block each. Each keeps the address of its block on its stack. One thread
   ends, and the C library keeps its stack. The other runs until the process ends. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_barrier_t ready;

static __attribute__((noinline)) void hold(size_t bytes)
{
    char *volatile block[1000];

    memset((void *)block, 0, sizeof block);
    block[500] = malloc(bytes);
    pthread_barrier_wait(&ready);
    if (bytes == 2000)
        pause();
}

static void *ends(void *argument)
{
    hold(1000);
    return argument;
}

static void *stays(void *argument)
{
    hold(2000);
    return argument;
}

int main(void)
{
    pthread_t first, second;

    pthread_barrier_init(&ready, NULL, 3);
    pthread_create(&first, NULL, ends, NULL);
    pthread_create(&second, NULL, stays, NULL);
    pthread_barrier_wait(&ready);
    pthread_join(first, NULL);
    exit(0);
}
