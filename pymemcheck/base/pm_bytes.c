/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processors have an instruction that fills or copies long pieces fast, but is slow to start. */
#include "base/pm_bytes.h"

enum { LONG_FILL = 512, LONG_COPY = 256 };

/* Of any alignment, and anything may lie there. */
typedef u8 piece16 __attribute__((vector_size(16), aligned(1), may_alias));
typedef u64 piece8 __attribute__((aligned(1), may_alias));

/* The compiler must not turn these loops into calls of memset and memcpy, which are slower under Valgrind. Clang
   knows no such attribute, but keeps the loops with -fno-builtin. */
#if __has_attribute(optimize)
#define PM_AS_WRITTEN __attribute__((optimize("no-tree-loop-distribute-patterns")))
#else
#define PM_AS_WRITTEN
#endif

PM_AS_WRITTEN void pm_bytes_fill(void *to, u8 value, size_t bytes)
{
    const u64 eight = value * 0x0101010101010101ull;
    u8 *at = to, *end = at + bytes;

    if (bytes >= LONG_FILL) {
        __asm__ volatile("rep stosb" : "+D"(at), "+c"(bytes) : "a"(value) : "memory");
    } else if (bytes >= sizeof(piece16)) {
        const piece16 fill = (piece16)(__attribute__((vector_size(16))) u64){ eight, eight };
        for (; at + sizeof fill < end; at += sizeof fill)
            *(piece16 *)at = fill;
        *(piece16 *)(end - sizeof fill) = fill;
    } else if (bytes >= sizeof(piece8)) {
        *(piece8 *)at = eight;
        *(piece8 *)(end - sizeof eight) = eight;
    } else {
        while (at < end)
            *at++ = value;
    }
}

PM_AS_WRITTEN void pm_bytes_copy(void *to, const void *from, size_t bytes)
{
    u8 *at = to;
    const u8 *source = from;

    if (bytes >= LONG_COPY) {
        __asm__ volatile("rep movsb" : "+D"(at), "+S"(source), "+c"(bytes) : : "memory");
        return;
    }
    for (; bytes >= sizeof(piece16); bytes -= sizeof(piece16)) {
        *(piece16 *)at = *(const piece16 *)source;
        at += sizeof(piece16);
        source += sizeof(piece16);
    }
    if (bytes >= sizeof(piece8)) {
        *(piece8 *)at = *(const piece8 *)source;
        at += sizeof(piece8);
        source += sizeof(piece8);
        bytes -= sizeof(piece8);
    }
    while (bytes-- > 0)
        *at++ = *source++;
}
