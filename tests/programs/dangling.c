/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dangling lost: leaks ten blocks. Each has a pointer to a block of its own that was freed.
   dangling twice: frees a block twice. Between, as many blocks as the next argument says are
   allocated, filled and freed, and one of the same size stays. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOST = 10, BYTES = 976, TWICE_BYTES = 40 };

struct lost {
    void *freed;
    char rest[BYTES - sizeof(void *)];
};

__attribute__((noinline)) static void lose(void)
{
    struct lost *volatile lost = calloc(1, sizeof *lost);

    lost->freed = malloc(BYTES);
    free(lost->freed);
    lost = NULL;
}

/* Overwrites what lose() left on the stack and in registers. */
__attribute__((noinline)) static void leave_no_pointers(void)
{
    char waste[8192];

    memset(waste, 0, sizeof waste);
    __asm__ volatile("" :: "r"(waste) : "memory");
    __asm__ volatile("xor %%ecx, %%ecx; xor %%edx, %%edx; xor %%esi, %%esi; xor %%edi, %%edi;"
                     " xor %%r8d, %%r8d; xor %%r9d, %%r9d; xor %%r10d, %%r10d; xor %%r11d, %%r11d"
                     ::: "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "cc");
}

__attribute__((noinline)) static void free_twice(int others)
{
    char *volatile first = malloc(TWICE_BYTES), *volatile next;

    free(first);
    for (int i = 0; i < others; i++) {
        next = malloc(TWICE_BYTES);
        memset(next, 'x', TWICE_BYTES);
        free(next);
    }
    next = malloc(TWICE_BYTES);
    memset(next, 'y', TWICE_BYTES);
    free(first);
    printf("%c\n", next[TWICE_BYTES - 1]);
    free(next);
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "twice") == 0) {
        free_twice(atoi(argv[2]));
        return 0;
    }
    for (int i = 0; i < LOST; i++)
        lose();
    leave_no_pointers();
    return 0;
}
