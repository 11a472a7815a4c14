/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/pm_watched_words.h"

/* Whether two addresses are in the same page. */
static inline bool same_page(u64 a, u64 b)
{
    return (a ^ b) >> PM_READER_PAGE_BITS == 0;
}

/* NULL if the page of address cannot be read. */
static const u8 *place_of(struct pm_reader *reader, u64 address)
{
    const u64 in_page = (1u << PM_READER_PAGE_BITS) - 1;
    const u8 *page = pm_reader_page(reader, address >> PM_READER_PAGE_BITS);

    return page != NULL ? page + (address & in_page) : NULL;
}

/* How many of the pages met last a new word's page is compared with. The words of a frame in C and
   those of a Python frame take turns. */
enum { LOOK_BACK = 4 };

static void note_page(struct pm_watched_words *watched, u64 page, u32 word)
{
    for (u32 back = 1; back <= LOOK_BACK && back <= watched->page_count; back++)
        if (watched->pages[watched->page_count - back].number == page)
            return;
    watched->pages[watched->page_count++] = (struct pm_watched_page){ .number = page, .word = word };
}

void pm_watched_words_init(struct pm_watched_words *watched)
{
    *watched = (struct pm_watched_words){ 0 };
}

void pm_watched_words_release(struct pm_watched_words *watched)
{
    pm_free(watched->words);
    *watched = (struct pm_watched_words){ 0 };
}

void pm_watched_words_reserve(struct pm_watched_words *watched, u32 capacity)
{
    watched->count = watched->page_count = 0;
    if (watched->capacity >= capacity)
        return;
    pm_free(watched->words);
    watched->words = pm_alloc("pm.words", capacity * (sizeof *watched->words
                                                      + sizeof *watched->addresses
                                                      + sizeof *watched->pages));
    watched->addresses = (u64 *)(watched->words + capacity);
    watched->pages = (struct pm_watched_page *)(watched->addresses + capacity);
    watched->capacity = capacity;
}

/* Most words are in the same page as the word before. */
bool pm_watched_words_add(struct pm_watched_words *watched, struct pm_reader *reader,
                          const struct pm_traced_word *words, u32 count)
{
    const u8 *place = NULL;

    PM_ASSERT(watched->count == 0 || watched->generation == reader->generation);
    if (count > watched->capacity - watched->count)
        return false;
    watched->generation = reader->generation;
    for (u32 i = 0; i < count; i++) {
        const bool same = i > 0 && same_page(words[i].address, words[i - 1].address);
        if (same)
            place += (i64)(words[i].address - words[i - 1].address);
        else
            place = place_of(reader, words[i].address);
        if (place == NULL)
            return false;
        watched->addresses[watched->count] = words[i].address;
        watched->words[watched->count] = (struct pm_watched_word){
            .place_and_field = (u64)place << PM_TRACE_FIELD_BITS | words[i].field,
            .value = words[i].value,
        };
        if (!same)
            note_page(watched, words[i].address >> PM_READER_PAGE_BITS, watched->count);
        watched->count++;
    }
    return true;
}

struct pm_traced_word pm_watched_words_at(const struct pm_watched_words *watched, u32 index)
{
    PM_ASSERT(index < watched->count);
    return (struct pm_traced_word){
        .address = watched->addresses[index],
        .value = watched->words[index].value,
        .field = pm_watched_word_field(&watched->words[index]),
    };
}

bool pm_watched_words_ask_again(struct pm_watched_words *watched, struct pm_reader *reader)
{
    for (u32 i = 0; i < watched->page_count; i++) {
        const u32 word = watched->pages[i].word;
        if (!pm_reader_kept_page(reader, watched->generation, watched->pages[i].number)
                && place_of(reader, watched->addresses[word])
                    != pm_watched_word_place(&watched->words[word]))
            return false;
    }
    watched->generation = reader->generation;
    return true;
}
