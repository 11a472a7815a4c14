/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls every C allocator entry point, with ordinary, zero and impossible sizes.
   It is deterministic: no address, time or environment changes the requests.
   It leaves some blocks live on purpose. The exit status is 0 if each call did
   what the C library promises. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int mistakes;
static void *volatile kept[64];
static int kept_count;

static void check(int good, const char *what)
{
    if (!good) {
        fprintf(stderr, "allocators: %s\n", what);
        mistakes++;
    }
}

static void keep(void *block)
{
    kept[kept_count++] = block;
}

static void ordinary(void)
{
    void *block = malloc(101);
    check(block != NULL, "malloc");
    check(malloc_usable_size(block) >= 101, "malloc_usable_size");
    free(block);
    keep(malloc(103));

    unsigned char *zeros = calloc(7, 15);
    check(zeros != NULL, "calloc");
    for (int i = 0; i < 7 * 15; i++)
        check(zeros[i] == 0, "calloc gives zeros");
    free(zeros);
    keep(calloc(1, 107));

    char *text = realloc(NULL, 109);
    check(text != NULL, "realloc of NULL");
    strcpy(text, "grows and shrinks");
    text = realloc(text, 5003);
    check(text != NULL && strcmp(text, "grows and shrinks") == 0, "realloc grows");
    text = realloc(text, 18);
    check(text != NULL && strcmp(text, "grows and shrinks") == 0, "realloc shrinks");
    keep(text);
    block = malloc(113);
    check(realloc(block, 0) == NULL, "realloc to 0");

    block = reallocarray(NULL, 3, 37);
    check(block != NULL, "reallocarray of NULL");
    block = reallocarray(block, 30, 37);
    check(block != NULL, "reallocarray");
    keep(block);
}

static void aligned(void)
{
    for (size_t alignment = 8; alignment <= 65536; alignment *= 4) {
        void *block = memalign(alignment, 127);
        check(block != NULL && (uintptr_t)block % alignment == 0, "memalign");
        free(block);
        check(posix_memalign(&block, alignment, 131) == 0, "posix_memalign");
        check((uintptr_t)block % alignment == 0, "posix_memalign aligns");
        keep(block);
        block = aligned_alloc(alignment, alignment * 3);
        check(block != NULL && (uintptr_t)block % alignment == 0, "aligned_alloc");
        block = realloc(block, 139);
        check(block != NULL, "realloc of an aligned block");
        free(block);
    }
    void *block = valloc(149);
    check(block != NULL && (uintptr_t)block % 4096 == 0, "valloc");
    free(block);
    check(posix_memalign(&block, 3, 151) == EINVAL, "posix_memalign refuses 3");
}

static void odd_sizes(void)
{
    keep(malloc(0));
    keep(calloc(0, 5));
    keep(calloc(5, 0));
    keep(memalign(64, 0));
    free(NULL);
    check(malloc_usable_size(NULL) == 0, "malloc_usable_size of NULL");
    free(realloc(NULL, 0));
}

static void impossible(void)
{
    static volatile size_t half = SIZE_MAX / 2 + 1, huge = (size_t)1 << 46, most = SIZE_MAX;
    check(malloc(huge) == NULL, "malloc of 64 TiB");
    check(malloc(half) == NULL, "malloc of half of everything");
    check(malloc(most) == NULL, "malloc of everything");
    check(calloc(huge, 1) == NULL, "calloc of 64 TiB");
    check(calloc(half, 4) == NULL, "calloc that overflows");
    check(realloc(NULL, huge) == NULL, "realloc of NULL to 64 TiB");
    void *block = malloc(157);
    check(reallocarray(block, half, 4) == NULL, "reallocarray that overflows");
    memset(block, 1, 157);
    free(block);
    check(memalign(64, huge) == NULL, "memalign of 64 TiB");
    check(posix_memalign((void **)&block, 64, huge) == ENOMEM, "posix_memalign of 64 TiB");
    check(aligned_alloc(64, huge) == NULL, "aligned_alloc of 64 TiB");
}

static void by_name(void)
{
    /* glibc 2.26 removed cfree from the link interface. Older programs reach it by its symbol version. */
    void (*old_free)(void *) = (void (*)(void *))dlvsym(RTLD_DEFAULT, "cfree", "GLIBC_2.2.5");
    void *block = malloc(163);
    check(old_free != NULL, "cfree exists");
    old_free(block);
    free(strdup("a copy of some text"));
    keep(strndup("a copy of some text", 6));
    char *made;
    check(asprintf(&made, "%d and %s", 173, "so on") > 0, "asprintf");
    free(made);
}

static void failing_realloc(void)
{
    static volatile size_t huge = (size_t)1 << 46;
    unsigned char *block = malloc(179);
    memset(block, 7, 179);
    check(realloc(block, huge) == NULL, "realloc to 64 TiB");
    for (int i = 0; i < 179; i++)
        check(block[i] == 7, "a failed realloc leaves the block alone");
    free(block);
}

/* With an argument: only a failing realloc, which Memcheck counts oddly. */
int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) {
        failing_realloc();
        return mistakes != 0;
    }
    ordinary();
    aligned();
    odd_sizes();
    impossible();
    by_name();
    return mistakes != 0;
}
