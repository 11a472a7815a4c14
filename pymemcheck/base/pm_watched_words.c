/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/pm_watched_words.h"

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
    pm_watched_words_truncate(watched, 0);
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

static bool turn_to_page(struct pm_watched_words *watched, struct pm_reader *reader, u64 page)
{
    watched->last_bytes = pm_reader_page(reader, page);
    watched->last_page = page;
    if (watched->last_bytes == NULL)
        return false;
    note_page(watched, page, watched->count);
    return true;
}

/* Most words are in the same page as the word before. */
bool pm_watched_words_add(struct pm_watched_words *watched, struct pm_reader *reader,
                          const struct pm_traced_word *words, u32 count)
{
    const u64 in_page = (1u << PM_READER_PAGE_BITS) - 1;

    PM_ASSERT(watched->count == 0 || watched->generation == reader->generation);
    if (count > watched->capacity - watched->count)
        return false;
    if (watched->generation != reader->generation)
        watched->last_bytes = NULL;
    watched->generation = reader->generation;
    for (const struct pm_traced_word *word = words; word < words + count; word++) {
        const u64 page = word->address >> PM_READER_PAGE_BITS;
        if ((watched->last_page != page || watched->last_bytes == NULL)
                && !turn_to_page(watched, reader, page))
            return false;
        const u64 place = (u64)watched->last_bytes + (word->address & in_page);
        watched->addresses[watched->count] = word->address;
        watched->words[watched->count++] = (struct pm_watched_word){
            .place_and_field = place << PM_TRACE_FIELD_BITS | word->field,
            .value = word->value,
        };
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
