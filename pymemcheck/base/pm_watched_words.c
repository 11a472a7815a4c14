/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/pm_watched_words.h"

static const u8 *place_of(struct pm_reader *reader, u64 address)
{
    const u64 in_page = (1u << PM_READER_PAGE_BITS) - 1;
    const u8 *page = pm_reader_page(reader, address >> PM_READER_PAGE_BITS);

    return page != NULL ? page + (address & in_page) : NULL;
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
    watched->count = 0;
    if (watched->capacity >= capacity)
        return;
    pm_free(watched->words);
    watched->words = pm_alloc("pm.words", capacity * (sizeof *watched->words
                                                      + sizeof *watched->addresses));
    watched->addresses = (u64 *)(watched->words + capacity);
    watched->capacity = capacity;
}

/* Most words are in the same page as the word before. */
bool pm_watched_words_add(struct pm_watched_words *watched, struct pm_reader *reader,
                          const struct pm_traced_word *words, u32 count)
{
    const u64 in_page = (1u << PM_READER_PAGE_BITS) - 1;
    const u8 *bytes = NULL;
    u64 page = 0;

    PM_ASSERT(watched->count == 0 || watched->generation == reader->generation);
    if (count > watched->capacity - watched->count)
        return false;
    watched->generation = reader->generation;
    for (u32 i = 0; i < count; i++) {
        const u64 address = words[i].address;
        if (bytes == NULL || page != address >> PM_READER_PAGE_BITS) {
            page = address >> PM_READER_PAGE_BITS;
            bytes = pm_reader_page(reader, page);
            if (bytes == NULL)
                return false;
        }
        watched->addresses[watched->count] = address;
        watched->words[watched->count++] = (struct pm_watched_word){
            .place = bytes + (address & in_page),
            .value = words[i].value,
            .mask = words[i].mask,
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
        .mask = watched->words[index].mask,
    };
}

bool pm_watched_words_ask_again(struct pm_watched_words *watched, struct pm_reader *reader)
{
    for (u32 i = 0; i < watched->count; i++)
        if (place_of(reader, watched->addresses[i]) != watched->words[i].place)
            return false;
    watched->generation = reader->generation;
    return true;
}
