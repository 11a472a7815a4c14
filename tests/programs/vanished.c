/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thread has room on its stack. The process forks, and the child, in which that thread does not exist, writes the address
   of a block there and nowhere else. The parent does the same with another block. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_barrier_t ready;
static void *volatile *room;

static void *stays(void *argument)
{
    void *volatile words[1000];

    memset((void *)words, 0, sizeof words);
    room = words + 500;
    pthread_barrier_wait(&ready);
    pause();
    return argument;
}

static __attribute__((noinline)) void put(size_t bytes)
{
    *room = malloc(bytes);
}

int main(void)
{
    pthread_t thread;

    pthread_barrier_init(&ready, NULL, 2);
    pthread_create(&thread, NULL, stays, NULL);
    pthread_barrier_wait(&ready);
    const pid_t child = fork();
    put(child == 0 ? 3003 : 2002);
    if (child != 0)
        wait(NULL);
    exit(0);
}
