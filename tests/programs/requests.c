/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Leaks 5 blocks of 100 bytes and keeps 3 of 10 bytes. Asks for leak checks by Memcheck's client
   requests, and prints the sums of the last check. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <valgrind/memcheck.h>

static char *kept[3];

static __attribute__((noinline)) void work(void)
{
    char *volatile block;

    for (int i = 0; i < 5; i++) {
        block = malloc(100);
        block[0] = 0;
    }
    for (int i = 0; i < 3; i++)
        kept[i] = malloc(10);
    block = NULL;
}

/* Overwrites the dead frame of work(). */
static __attribute__((noinline)) void wipe(void)
{
    volatile char dead[4096];
    memset((char *)dead, 0, sizeof dead);
}

int main(void)
{
    unsigned long leaked = 1, dubious = 1, reachable = 1, suppressed = 1;

    setvbuf(stdout, NULL, _IONBF, 0);
    work();
    wipe();
    VALGRIND_DO_LEAK_CHECK;
    VALGRIND_DO_QUICK_LEAK_CHECK;
    VALGRIND_COUNT_LEAKS(leaked, dubious, reachable, suppressed);
    printf("%lu %lu %lu %lu\n", leaked, dubious, reachable, suppressed);
    VALGRIND_COUNT_LEAK_BLOCKS(leaked, dubious, reachable, suppressed);
    printf("%lu %lu %lu %lu\n", leaked, dubious, reachable, suppressed);
    return 0;
}
