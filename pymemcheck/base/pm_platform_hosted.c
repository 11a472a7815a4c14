/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The platform seam for ordinary programs: unit tests and fuzzers. */
#include <stdio.h>
#include <stdlib.h>

#include "base/pm_platform.h"

static void *checked(void *memory)
{
    if (memory == NULL) {
        fputs("out of memory\n", stderr);
        exit(3);
    }
    return memory;
}

void *pm_alloc(const char *tag, size_t bytes)
{
    (void)tag;
    return checked(malloc(bytes ? bytes : 1));
}

void *pm_alloc_zero(const char *tag, size_t bytes)
{
    (void)tag;
    return checked(calloc(1, bytes ? bytes : 1));
}

void *pm_realloc(const char *tag, void *memory, size_t bytes)
{
    (void)tag;
    return checked(realloc(memory, bytes ? bytes : 1));
}

void pm_free(void *memory)
{
    free(memory);
}

void pm_panic(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: broken invariant: %s\n", file, line, what);
    abort();
}
