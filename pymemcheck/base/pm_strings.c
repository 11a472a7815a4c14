/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes live in chunks that never move. by_hash gives the newest string of a
   hash; strings of equal hash are linked through next. */
#include "base/pm_strings.h"

#include "base/pm_platform.h"

enum { CHUNK_BYTES = 64 * 1024 };

struct pm_string {
    const char *bytes;
    u32 length;
    u32 next;           /* id + 1 of another string with this hash; 0: none */
};

struct pm_string_chunk {
    struct pm_string_chunk *previous;
    size_t used, capacity;
    char bytes[];
};

void pm_strings_init(struct pm_strings *strings)
{
    *strings = (struct pm_strings){ .capacity = 256 };
    strings->entries = pm_alloc("pm.strings", strings->capacity * sizeof *strings->entries);
    pm_map_init(&strings->by_hash);
    pm_strings_intern(strings, "", 0);
}

void pm_strings_release(struct pm_strings *strings)
{
    struct pm_string_chunk *chunk = strings->chunk;

    while (chunk != NULL) {
        struct pm_string_chunk *previous = chunk->previous;
        pm_free(chunk);
        chunk = previous;
    }
    pm_free(strings->entries);
    pm_map_release(&strings->by_hash);
    *strings = (struct pm_strings){ 0 };
}

static const char *keep(struct pm_strings *strings, const char *bytes, size_t length)
{
    struct pm_string_chunk *chunk = strings->chunk;

    if (chunk == NULL || chunk->capacity - chunk->used < length + 1) {
        size_t capacity = length + 1 > CHUNK_BYTES ? length + 1 : CHUNK_BYTES;
        chunk = pm_alloc("pm.strings", sizeof *chunk + capacity);
        chunk->previous = strings->chunk;
        chunk->used = 0;
        chunk->capacity = capacity;
        strings->chunk = chunk;
    }
    char *place = chunk->bytes + chunk->used;
    if (length > 0)
        pm_copy(place, bytes, length);
    place[length] = '\0';
    chunk->used += length + 1;
    return place;
}

struct pm_string_id pm_strings_intern(struct pm_strings *strings, const char *bytes, size_t length)
{
    u64 hash = pm_hash_bytes(bytes, length);
    u64 *first = pm_map_get(&strings->by_hash, hash);

    PM_ASSERT(length <= UINT32_MAX);
    for (u32 link = first != NULL ? (u32)*first + 1 : 0; link != 0;) {
        const struct pm_string *string = &strings->entries[link - 1];
        if (string->length == length && pm_compare(string->bytes, bytes, length) == 0)
            return (struct pm_string_id){ link - 1 };
        link = string->next;
    }
    if (strings->count == strings->capacity) {
        strings->capacity *= 2;
        strings->entries = pm_realloc("pm.strings", strings->entries,
                                      strings->capacity * sizeof *strings->entries);
    }
    u32 id = strings->count++;
    strings->entries[id] = (struct pm_string){
        .bytes = keep(strings, bytes, length),
        .length = (u32)length,
        .next = first != NULL ? (u32)*first + 1 : 0,
    };
    pm_map_put(&strings->by_hash, hash, id);
    return (struct pm_string_id){ id };
}

struct pm_string_id pm_strings_intern_text(struct pm_strings *strings, const char *text)
{
    return pm_strings_intern(strings, text, pm_length(text));
}

struct pm_string_id pm_strings_take(struct pm_strings *strings, struct pm_buffer *buffer)
{
    struct pm_string_id id = pm_strings_intern(strings, buffer->bytes, buffer->length);
    pm_buffer_clear(buffer);
    return id;
}

const char *pm_strings_text(const struct pm_strings *strings, struct pm_string_id id)
{
    PM_ASSERT(id.v < strings->count);
    return strings->entries[id.v].bytes;
}

size_t pm_strings_length(const struct pm_strings *strings, struct pm_string_id id)
{
    PM_ASSERT(id.v < strings->count);
    return strings->entries[id.v].length;
}

u32 pm_strings_count(const struct pm_strings *strings)
{
    return strings->count;
}
