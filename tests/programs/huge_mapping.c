/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holds a block by a pointer at the end of a mapping of 40 GB that it hardly uses, and leaks another. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static __attribute__((noinline)) void work(char **place)
{
    char *volatile lost = malloc(2222);

    lost[0] = 1;
    *place = malloc(3333);
    lost = NULL;
}

static __attribute__((noinline)) void wipe(void)
{
    volatile char dead[4096];
    memset((char *)dead, 0, sizeof dead);
}

int main(void)
{
    const size_t bytes = (size_t)40 << 30;
    char *huge = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (huge == MAP_FAILED)
        return 77;
    work((char **)(huge + bytes - 64));
    wipe();
    printf("%p\n", (void *)(huge + bytes - 64));
    return 0;
}
