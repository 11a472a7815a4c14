/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interned sequences of words: equal sequences have the same number. Numbers start at 1 and have
   no gaps. All words are in one array, one sequence after the other, so a sequence costs its
   words and about 16 bytes. A look-up hashes the words and compares them with those of sequences
   that have the same hash. */
#ifndef PM_SEQUENCES_H
#define PM_SEQUENCES_H

#include "base/pm_types.h"

struct pm_sequence_cell {
    u32 hash;
    u32 number;         /* 0: empty */
};

struct pm_sequences {
    u32 *words;
    size_t words_capacity;
    size_t *ends;       /* by number: where its words end and the next sequence's begin; [0] is 0 */
    u32 count, capacity;
    struct pm_sequence_cell *cells;     /* open addressing, at most half full */
    u32 mask;           /* cells - 1; a power of two less one */
};

void pm_sequences_init(struct pm_sequences *sequences);
void pm_sequences_release(struct pm_sequences *sequences);

/* The number of the sequence. Copies the words if it is new. */
u32 pm_sequences_intern(struct pm_sequences *sequences, const u32 *words, size_t length);

/* Valid until the next pm_sequences_intern. */
static inline const u32 *pm_sequences_words(const struct pm_sequences *sequences, u32 number,
                                            size_t *length)
{
    *length = sequences->ends[number] - sequences->ends[number - 1];
    return sequences->words + sequences->ends[number - 1];
}

#endif
