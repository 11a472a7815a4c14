/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blocks with a page that may not be touched are freed and reallocated, as natively is possible: free needs no more
   than the beginning. argv[1]: aligned, in_the_middle, small, unmapped, moved, zeroed. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096 };

static void *protect(void *page)
{
    if (mprotect(page, PAGE, PROT_NONE) != 0)
        abort();
    return page;
}

/* The first whole page behind the beginning. */
static char *page_in(char *block)
{
    return (char *)(((uintptr_t)block + PAGE) & ~(uintptr_t)(PAGE - 1));
}

static void aligned(void)
{
    char *block = aligned_alloc(PAGE, 4 * PAGE);
    protect(block + PAGE);
    free(block);
    protect((block = aligned_alloc(PAGE, 4 * PAGE)) + PAGE);
    free(block);
}

static void in_the_middle(void)
{
    char *block = malloc(6000000);
    protect(page_in(block) + 5000000 / PAGE * PAGE);
    free(block);
    for (int i = 0; i < 100; i++)
        free(memset(malloc(60000), 1, 60000));
}

/* Of a size that is shared with others. */
static void small(void)
{
    char *blocks[50];

    for (int i = 0; i < 50; i++)
        blocks[i] = malloc(8000);
    protect(page_in(blocks[20]));
    free(blocks[20]);
    for (int i = 0; i < 50; i++)
        if (i < 19 || i > 21)
            free(blocks[i]);
    for (int i = 0; i < 50; i++)
        memset(blocks[i] = malloc(8000), i, 8000);
    for (int i = 0; i < 50; i++)
        free(blocks[i]);
}

static void unmapped(void)
{
    char *block = aligned_alloc(PAGE, 4 * PAGE);
    if (munmap(block + PAGE, PAGE) != 0)
        abort();
    free(block);
}

/* What can be read is kept. */
static void moved(void)
{
    char *block = aligned_alloc(PAGE, 40 * PAGE);
    strcpy(block, "begin");
    strcpy(block + 39 * PAGE, "end");
    mprotect(block + PAGE, PAGE, PROT_NONE);
    block = realloc(block, 4000 * PAGE);
    printf("%s %s\n", block, block + 39 * PAGE);
    free(block);
}

static void zeroed(void)
{
    for (int i = 0; i < 20; i++) {
        char *block = aligned_alloc(PAGE, 4 * PAGE);
        protect(block + PAGE);
        free(block);
        char *next = calloc(4, PAGE);
        if (next[4 * PAGE - 1] != 0)
            abort();
        free(next);
    }
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } ways[] = {
        { "aligned", aligned }, { "in_the_middle", in_the_middle }, { "small", small },
        { "unmapped", unmapped }, { "moved", moved }, { "zeroed", zeroed },
    };

    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (argc > 1 && strcmp(argv[1], ways[i].name) == 0)
            ways[i].run();
    puts("goes on");
    return 4;
}
