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

enum { PM_TRACE_FIELD_BITS = 5 };

/* By the number of a field: the bits of a word that belong to it. 0: there is no such field. */
extern const u64 pm_trace_masks[1 << PM_TRACE_FIELD_BITS];

/* The number of the field of bytes (1, 2, 4 or 8) at address, in the word that address is in. A
   field that goes on in the next word has the mask 0. */
static inline u32 pm_trace_field(u64 address, unsigned bytes)
{
    return (u32)(address & 7) * 4 + (u32)__builtin_ctz(bytes);
}

struct pm_traced_word {
    u64 address;        /* a multiple of 8 */
    u64 value;          /* 0 outside the field */
    u32 field;          /* its number */
};

static inline u64 pm_traced_word_mask(const struct pm_traced_word *word)
{
    return pm_trace_masks[word->field];
}

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
    const u32 field = pm_trace_field(address, bytes);
    const u64 mask = pm_trace_masks[field];

    if (mask == 0) {
        trace->incomplete = true;
        return;
    }
    pm_trace_add_word(trace, (struct pm_traced_word){
        .address = address & ~7ull,
        .value = value << (address & 7) * 8 & mask,
        .field = field,
    });
}

#endif
