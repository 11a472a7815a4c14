/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpython/pm_threads.h"

/* Damaged lists may be circles: bounds on the whole search. A chunk has 16 kB or more. */
enum { MAX_INTERPRETERS = 1024, MAX_THREADS = 65536, MAX_CHUNKS = 1 << 17 };
#define MAX_CHUNK_BYTES (1ull << 32)

struct search {
    const struct pm_layout_numbers *at;
    struct pm_reader *reader;
    struct pm_dead_data *parts;
    u32 count, capacity;
    u32 threads_left, chunks_left;
    bool whole;             /* also what is below the top */
};

static u64 word_at(struct search *search, u64 address)
{
    u64 word;
    return address % 8 == 0 && pm_reader_read_u64(search->reader, address, &word) ? word : 0;
}

static void add(struct search *search, u64 start, u64 end)
{
    if (start % 8 == 0 && start < end && end - start <= MAX_CHUNK_BYTES
            && search->count < search->capacity)
        search->parts[search->count++] = (struct pm_dead_data){ start, end };
}

static void add_thread(struct search *search, u64 thread)
{
    u64 chunk = word_at(search, thread + (u64)search->at->thread_chunk);
    u64 top = word_at(search, thread + (u64)search->at->thread_data_top);
    u64 limit = word_at(search, thread + (u64)search->at->thread_data_limit);
    u64 size = word_at(search, chunk + (u64)search->at->chunk_size);

    if (chunk == 0 || size > MAX_CHUNK_BYTES || limit != chunk + size || top < chunk + (u64)search->at->chunk_data
            || top > limit)
        return;
    add(search, search->whole ? chunk + (u64)search->at->chunk_data : top, limit);
    for (; search->chunks_left > 0; search->chunks_left--) {
        chunk = word_at(search, chunk + (u64)search->at->chunk_previous);
        if (chunk == 0)
            return;
        size = word_at(search, chunk + (u64)search->at->chunk_size);
        u64 used = word_at(search, chunk + (u64)search->at->chunk_top);
        if (size > MAX_CHUNK_BYTES || used > size / 8 || (u64)search->at->chunk_data + used * 8 > size)
            return;
        add(search, chunk + (u64)search->at->chunk_data + (search->whole ? 0 : used * 8), chunk + size);
    }
}

static u32 find_data(const struct pm_interpreter *interpreter, struct pm_reader *reader, bool whole,
                     struct pm_dead_data *parts, u32 capacity)
{
    const struct pm_layout *layout = interpreter->layout;

    if (layout == NULL || interpreter->runtime == 0
            || layout->at.runtime_interpreters == PM_LAYOUT_ABSENT)
        return 0;
    struct search search = {
        .at = &layout->at,
        .reader = reader,
        .parts = parts,
        .capacity = capacity,
        .threads_left = MAX_THREADS,
        .chunks_left = MAX_CHUNKS,
        .whole = whole,
    };
    u64 current = word_at(&search, interpreter->runtime + (u64)layout->at.runtime_interpreters);
    for (u32 i = 0; current != 0 && i < MAX_INTERPRETERS; i++) {
        u64 thread = word_at(&search, current + (u64)layout->at.interpreter_threads);
        for (; thread != 0 && search.threads_left > 0; search.threads_left--) {
            add_thread(&search, thread);
            thread = word_at(&search, thread + (u64)layout->at.thread_next);
        }
        current = word_at(&search, current + (u64)layout->at.interpreter_next);
    }
    return search.count;
}

u32 pm_threads_dead_data(const struct pm_interpreter *interpreter, struct pm_reader *reader,
                         struct pm_dead_data *parts, u32 capacity)
{
    return find_data(interpreter, reader, false, parts, capacity);
}

u32 pm_threads_data(const struct pm_interpreter *interpreter, struct pm_reader *reader, struct pm_dead_data *parts, u32 capacity)
{
    return find_data(interpreter, reader, true, parts, capacity);
}

bool pm_threads_is_raising(const struct pm_interpreter *interpreter, struct pm_reader *reader,
                           u64 thread)
{
    const struct pm_layout *layout = interpreter->layout;
    u64 exception;

    return layout != NULL && layout->at.thread_exception != PM_LAYOUT_ABSENT && thread != 0
        && pm_reader_read_u64(reader, thread + (u64)layout->at.thread_exception, &exception)
        && exception != 0;
}
