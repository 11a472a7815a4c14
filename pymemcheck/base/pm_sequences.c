/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/pm_sequences.h"

#include "base/pm_map.h"
#include "base/pm_platform.h"

enum { INITIAL_SEQUENCES = 64, INITIAL_WORDS = 1024 };

void pm_sequences_init(struct pm_sequences *sequences)
{
    *sequences = (struct pm_sequences){
        .words_capacity = INITIAL_WORDS,
        .capacity = INITIAL_SEQUENCES,
        .mask = 2 * INITIAL_SEQUENCES - 1,
    };
    sequences->words = pm_alloc("pm.sequences", INITIAL_WORDS * sizeof *sequences->words);
    sequences->ends = pm_alloc_zero("pm.sequences",
                                    (INITIAL_SEQUENCES + 1) * sizeof *sequences->ends);
    sequences->cells = pm_alloc_zero("pm.sequences",
                                     2 * INITIAL_SEQUENCES * sizeof *sequences->cells);
}

void pm_sequences_release(struct pm_sequences *sequences)
{
    pm_free(sequences->words);
    pm_free(sequences->ends);
    pm_free(sequences->cells);
    *sequences = (struct pm_sequences){ 0 };
}

static void grow(struct pm_sequences *sequences)
{
    const struct pm_sequence_cell *old = sequences->cells;
    const u32 old_mask = sequences->mask;

    PM_ASSERT(sequences->capacity <= UINT32_MAX / 8);
    sequences->capacity *= 2;
    sequences->ends = pm_realloc("pm.sequences", sequences->ends,
                                 ((size_t)sequences->capacity + 1) * sizeof *sequences->ends);
    sequences->mask = 2 * old_mask + 1;
    sequences->cells = pm_alloc_zero("pm.sequences",
                                     ((size_t)sequences->mask + 1) * sizeof *sequences->cells);
    for (size_t i = 0; i <= old_mask; i++) {
        u32 cell = old[i].hash & sequences->mask;
        if (old[i].number == 0)
            continue;
        while (sequences->cells[cell].number != 0)
            cell = (cell + 1) & sequences->mask;
        sequences->cells[cell] = old[i];
    }
    pm_free((void *)old);
}

static bool is_equal(const struct pm_sequences *sequences, u32 number, const u32 *words,
                     size_t length)
{
    size_t known_length;
    const u32 *known = pm_sequences_words(sequences, number, &known_length);

    if (known_length != length)
        return false;
    for (size_t i = 0; i < length; i++)
        if (known[i] != words[i])
            return false;
    return true;
}

static u32 add(struct pm_sequences *sequences, const u32 *words, size_t length)
{
    size_t used = sequences->ends[sequences->count];

    if (length > sequences->words_capacity - used) {
        while (length > sequences->words_capacity - used)
            sequences->words_capacity *= 2;
        sequences->words = pm_realloc("pm.sequences", sequences->words,
                                      sequences->words_capacity * sizeof *sequences->words);
    }
    if (length > 0)
        pm_copy(sequences->words + used, words, length * sizeof *words);
    sequences->ends[++sequences->count] = used + length;
    return sequences->count;
}

u32 pm_sequences_intern(struct pm_sequences *sequences, const u32 *words, size_t length)
{
    const u32 hash = (u32)pm_hash_bytes(words, length * sizeof *words);

    if (sequences->count == sequences->capacity)
        grow(sequences);
    u32 cell = hash & sequences->mask;
    for (; sequences->cells[cell].number != 0; cell = (cell + 1) & sequences->mask)
        if (sequences->cells[cell].hash == hash
                && is_equal(sequences, sequences->cells[cell].number, words, length))
            return sequences->cells[cell].number;
    u32 number = add(sequences, words, length);
    sequences->cells[cell] = (struct pm_sequence_cell){ hash, number };
    return number;
}
