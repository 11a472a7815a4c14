/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of client memory that a result was computed from.

   Whoever computes the result adds each field that it relied on, with the value that it read.
   While all these fields hold these values, computing again gives the same result. A field
   that a trace cannot hold makes the trace incomplete; an incomplete trace proves nothing. The
   owner supplies the array.

   pm_watched_words.h keeps such words and tells later whether they still hold. */
#ifndef PM_TRACE_H
#define PM_TRACE_H

#include "base/pm_types.h"

struct pm_traced_word {
    u64 address;        /* a multiple of 8 */
    u64 value;          /* 0 outside mask */
    u64 mask;           /* the bits of the word that belong to the field */
};

struct pm_trace {
    struct pm_traced_word *words;
    unsigned count, capacity;
    bool incomplete;
};

static inline void pm_trace_add_word(struct pm_trace *trace, struct pm_traced_word word)
{
    if (trace->count == trace->capacity)
        trace->incomplete = true;
    else
        trace->words[trace->count++] = word;
}

/* Adds the field of bytes (1, 2, 4 or 8) at address. */
static inline void pm_trace_add(struct pm_trace *trace, u64 address, u64 value, unsigned bytes)
{
    unsigned shift = (unsigned)(address & 7) * 8;
    u64 mask = (~0ull >> (64 - bytes * 8)) << shift;

    if (shift + bytes * 8 > 64) {
        trace->incomplete = true;
        return;
    }
    pm_trace_add_word(trace, (struct pm_traced_word){
        .address = address & ~7ull,
        .value = value << shift & mask,
        .mask = mask,
    });
}

#endif
