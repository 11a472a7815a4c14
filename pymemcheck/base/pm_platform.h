/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The seam between shared code and the program it is linked into.

   Shared code (base, cpython, dwarf, heap, report) calls these functions and nothing else
   outside of itself. tool/pm_platform_valgrind.c and base/pm_platform_hosted.c each define
   them; the linker chooses. */
#ifndef PM_PLATFORM_H
#define PM_PLATFORM_H

#include "base/pm_types.h"

/* Returns bytes of uninitialised memory, never NULL: running out ends the
   process. tag names the owner in the allocator's statistics and must be a
   string literal. Release with pm_free. */
void *pm_alloc(const char *tag, size_t bytes);

/* As pm_alloc; the memory is zero. */
void *pm_alloc_zero(const char *tag, size_t bytes);

/* Grows or shrinks memory from pm_alloc (or NULL) and returns its new place. */
void *pm_realloc(const char *tag, void *memory, size_t bytes);

/* Releases memory from pm_alloc or pm_realloc. NULL is allowed. */
void pm_free(void *memory);

/* Ends the process because an invariant of ours is broken. Never used for bad
   input. */
_Noreturn void pm_panic(const char *file, int line, const char *what);

#define PM_ASSERT(condition) \
    ((condition) ? (void)0 : pm_panic(__FILE__, __LINE__, #condition))

/* memory rounded up to a multiple of alignment, a power of two. */
static inline void *pm_align(void *memory, size_t alignment)
{
    return (char *)memory + (-(uintptr_t)memory & (alignment - 1));
}

static inline void pm_copy(void *to, const void *from, size_t bytes)
{
    __builtin_memcpy(to, from, bytes);
}

static inline void pm_move(void *to, const void *from, size_t bytes)
{
    __builtin_memmove(to, from, bytes);
}

static inline void pm_zero(void *memory, size_t bytes)
{
    __builtin_memset(memory, 0, bytes);
}

/* Length of a NUL-terminated string, in bytes. */
static inline size_t pm_length(const char *text)
{
    size_t n = 0;
    while (text[n] != '\0')
        n++;
    return n;
}

/* A copy of length bytes and a NUL, in memory from pm_alloc. */
static inline char *pm_copy_text(const char *tag, const char *text, size_t length)
{
    char *copy = (char *)pm_alloc(tag, length + 1);

    pm_copy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

/* As memcmp, unsigned bytes. */
static inline int pm_compare(const void *a, const void *b, size_t bytes)
{
    const u8 *x = a, *y = b;
    for (size_t i = 0; i < bytes; i++)
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    return 0;
}

static inline bool pm_text_equal(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

static inline bool pm_text_starts(const char *text, const char *start)
{
    while (*start != '\0' && *text == *start) {
        text++;
        start++;
    }
    return *start == '\0';
}

#endif
