/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words of client memory that a cached result depends on, and whether they still hold.

   The words come from a trace (pm_trace.h). They are compared in place: the reader says once
   where each word is in our own address space, and is asked again only after its generation
   changed, that is, after client memory was unmapped or protected.

   To compare:

       if (!pm_watched_words_readable(&watched, reader))
           drop the result
       if (pm_watched_words_unchanged(&watched) == watched.count)
           the result is still right

   Cost: four loads and one compare for each word; 40 bytes of memory for each word, of which a
   compare reads 16. */
#ifndef PM_WATCHED_WORDS_H
#define PM_WATCHED_WORDS_H

#include "base/pm_platform.h"
#include "base/pm_reader.h"
#include "base/pm_trace.h"
#include "base/pm_types.h"

struct pm_watched_word {
    u64 place_and_field;        /* where it is in our own address space, and the field's number */
    u64 value;                  /* 0 outside the field */
};

static inline const u8 *pm_watched_word_place(const struct pm_watched_word *word)
{
    return (const u8 *)(word->place_and_field >> PM_TRACE_FIELD_BITS);
}

static inline u32 pm_watched_word_field(const struct pm_watched_word *word)
{
    return word->place_and_field % (1 << PM_TRACE_FIELD_BITS);
}

/* A page that has words. */
struct pm_watched_page {
    u64 number;
    u32 word;                   /* the first of its words, or a later one */
};

struct pm_watched_words {
    struct pm_watched_word *words;
    u64 generation;             /* the reader's, when all places were last known to be right */
    u32 count, capacity;
    u64 *addresses;             /* client address of each word; in the same allocation as words */
    struct pm_watched_page *pages;      /* by word; a page may be there again; in the same
                                           allocation */
    u32 page_count;
    u64 last_page;                      /* number of the page that a word was added in last */
    const u8 *last_bytes;               /* where it is in our own address space; NULL: none */
};

/* Owns nothing until pm_watched_words_reserve. */
void pm_watched_words_init(struct pm_watched_words *watched);
void pm_watched_words_release(struct pm_watched_words *watched);

/* Makes room for capacity words and drops the words that were watched. Memory is reused where
   it is enough. */
void pm_watched_words_reserve(struct pm_watched_words *watched, u32 capacity);

/* Keeps the first count words. */
static inline void pm_watched_words_truncate(struct pm_watched_words *watched, u32 count)
{
    PM_ASSERT(count <= watched->count);
    watched->count = count;
    watched->last_bytes = NULL;
    while (watched->page_count > 0 && watched->pages[watched->page_count - 1].word >= count)
        watched->page_count--;
}

/* Adds count words, in order. False when there is no room or a word cannot be read: then some of
   them may have been added. Words that are already there must have been found readable since the
   reader's generation last changed. */
bool pm_watched_words_add(struct pm_watched_words *watched, struct pm_reader *reader,
                          const struct pm_traced_word *words, u32 count);

/* Word number index, as it was added. */
struct pm_traced_word pm_watched_words_at(const struct pm_watched_words *watched, u32 index);

/* The slow path of pm_watched_words_readable: asks for each page that may have been forgotten. */
bool pm_watched_words_ask_again(struct pm_watched_words *watched, struct pm_reader *reader);

/* Whether every word is still at its place and can be read. */
static inline bool pm_watched_words_readable(struct pm_watched_words *watched,
                                             struct pm_reader *reader)
{
    return __builtin_expect(watched->generation == reader->generation, 1)
        || pm_watched_words_ask_again(watched, reader);
}

/* How many words, counted from the first one added, hold their values; watched->count if all
   do. Only after pm_watched_words_readable. */
static inline u32 pm_watched_words_unchanged(const struct pm_watched_words *watched)
{
    const struct pm_watched_word *word = watched->words, *end = word + watched->count;

    for (; word < end; word++) {
        u64 now;
        pm_copy(&now, pm_watched_word_place(word), sizeof now);
        if ((now & pm_trace_masks[pm_watched_word_field(word)]) != word->value)
            break;
    }
    return (u32)(word - watched->words);
}

/* Fetches the words into the processor's cache: they will be compared soon. */
static inline void pm_watched_words_prefetch(const struct pm_watched_words *watched)
{
    enum { LINE_BYTES = 64, LINES = 8 };

    for (unsigned line = 0; line < LINES; line++)
        __builtin_prefetch((const u8 *)watched->words + line * LINE_BYTES);
}

#endif
