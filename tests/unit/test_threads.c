/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The unused part of the memory in which threads keep frames, on made-up memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/time.h>

#include <cmocka.h>

#include "cpython/pm_threads.h"
#include "pm_image.h"

enum { RUNTIME = 0x100000, FIRST = 0x200000, SECOND = 0x210000, THREADS = 0x300000, CHUNKS = 0x400000,
       CHUNK_BYTES = 0x4000 };

struct world {
    struct pm_image image;
    struct pm_interpreter interpreter;
};

/* A thread whose newest chunk has free_bytes above its top; older is the chunk before it. */
static void put_thread(struct world *world, u64 thread, u64 next, u64 chunk, u64 older, u64 free_bytes)
{
    const struct pm_layout_numbers *at = &world->interpreter.layout->at;

    pm_image_put_u64(&world->image, thread + (u64)at->thread_next, next);
    pm_image_put_u64(&world->image, thread + (u64)at->thread_chunk, chunk);
    pm_image_put_u64(&world->image, thread + (u64)at->thread_data_top, chunk + CHUNK_BYTES - free_bytes);
    pm_image_put_u64(&world->image, thread + (u64)at->thread_data_limit, chunk + CHUNK_BYTES);
    pm_image_put_u64(&world->image, chunk, older);
    pm_image_put_u64(&world->image, chunk + 8, CHUNK_BYTES);
}

/* Two interpreters; the first has two threads, the second of these two chunks. */
static void build(struct world *world, const struct pm_layout *layout)
{
    const u64 first_thread = THREADS, second_thread = THREADS + 0x4000, third_thread = THREADS + 0x8000;
    const u64 older = CHUNKS + 0x30000;

    world->interpreter = (struct pm_interpreter){ .layout = layout, .runtime = RUNTIME };
    pm_image_init(&world->image);
    pm_image_put_u64(&world->image, RUNTIME + (u64)layout->at.runtime_interpreters, FIRST);
    pm_image_put_u64(&world->image, FIRST + (u64)layout->at.interpreter_threads, first_thread);
    pm_image_put_u64(&world->image, FIRST + (u64)layout->at.interpreter_next, SECOND);
    pm_image_put_u64(&world->image, SECOND + (u64)layout->at.interpreter_threads, third_thread);
    pm_image_put_u64(&world->image, SECOND + (u64)layout->at.interpreter_next, 0);
    put_thread(world, first_thread, second_thread, CHUNKS, 0, 0x100);
    put_thread(world, second_thread, 0, CHUNKS + 0x10000, older, 0x200);
    put_thread(world, third_thread, 0, CHUNKS + 0x20000, 0, 0);
    pm_image_put_u64(&world->image, older, 0);
    pm_image_put_u64(&world->image, older + 8, CHUNK_BYTES);
    pm_image_put_u64(&world->image, older + 16, 10);
}

static const struct pm_layout *next_layout(size_t *index)
{
    const struct pm_layout *layout;

    while ((layout = pm_layout_row((*index)++)) != NULL)
        if (layout->at.runtime_interpreters != PM_LAYOUT_ABSENT)
            return layout;
    return NULL;
}

static void all_chunks_of_all_threads(void **state)
{
    const struct pm_layout *layout;
    struct pm_dead_data parts[8];
    size_t index = 0, tried = 0;

    (void)state;
    for (; (layout = next_layout(&index)) != NULL; tried++) {
        struct world world;
        build(&world, layout);
        assert_int_equal(pm_threads_dead_data(&world.interpreter, &world.image.reader, parts, 8), 3);
        assert_int_equal(parts[0].start, CHUNKS + CHUNK_BYTES - 0x100);
        assert_int_equal(parts[0].end, CHUNKS + CHUNK_BYTES);
        assert_int_equal(parts[1].start, CHUNKS + 0x10000 + CHUNK_BYTES - 0x200);
        assert_int_equal(parts[2].start, CHUNKS + 0x30000 + 24 + 80);
        assert_int_equal(parts[2].end, CHUNKS + 0x30000 + CHUNK_BYTES);
        assert_int_equal(pm_threads_dead_data(&world.interpreter, &world.image.reader, parts, 2), 2);
        assert_int_equal(pm_threads_data(&world.interpreter, &world.image.reader, parts, 8), 4);
        assert_int_equal(parts[0].start, CHUNKS + (u64)layout->at.chunk_data);
        assert_int_equal(parts[0].end, CHUNKS + CHUNK_BYTES);
        assert_int_equal(parts[2].start, CHUNKS + 0x30000 + (u64)layout->at.chunk_data);
        assert_int_equal(parts[2].end, CHUNKS + 0x30000 + CHUNK_BYTES);
        assert_int_equal(parts[3].start, CHUNKS + 0x20000 + (u64)layout->at.chunk_data);
        pm_image_release(&world.image);
    }
    assert_true(tried >= 5);
}

static void damage_is_no_part(void **state)
{
    struct pm_dead_data parts[8];
    size_t index = 0;
    const struct pm_layout *layout = next_layout(&index);
    struct world world;

    (void)state;
    build(&world, layout);
    /* A limit that is not the chunk's end; a list that closes a circle; no runtime. */
    pm_image_put_u64(&world.image, THREADS + (u64)layout->at.thread_data_limit, CHUNKS + CHUNK_BYTES + 8);
    assert_int_equal(pm_threads_dead_data(&world.interpreter, &world.image.reader, parts, 8), 2);
    pm_image_put_u64(&world.image, THREADS + 0x4000 + (u64)layout->at.thread_next, THREADS);
    assert_int_equal(pm_threads_dead_data(&world.interpreter, &world.image.reader, parts, 8), 8);
    /* Each thread of the circle has a circle of chunks: that must not take a second of processor time. */
    pm_image_put_u64(&world.image, CHUNKS + 0x10000 + (u64)layout->at.chunk_previous, CHUNKS + 0x10000);
    pm_image_put_u64(&world.image, CHUNKS + 0x10000 + (u64)layout->at.chunk_top, 0);
    setitimer(ITIMER_VIRTUAL, &(struct itimerval){ .it_value.tv_sec = 1 }, NULL);
    assert_int_equal(pm_threads_dead_data(&world.interpreter, &world.image.reader, parts, 8), 8);
    setitimer(ITIMER_VIRTUAL, &(struct itimerval){ .it_value.tv_sec = 0 }, NULL);
    world.interpreter.runtime = 0;
    assert_int_equal(pm_threads_dead_data(&world.interpreter, &world.image.reader, parts, 8), 0);
    pm_image_release(&world.image);
}

static void raising(void **state)
{
    const struct pm_layout *layout;
    size_t tried = 0;

    (void)state;
    for (; (layout = pm_layout_row(tried)) != NULL; tried++) {
        struct pm_interpreter interpreter = { .layout = layout };
        struct pm_image image;
        pm_image_init(&image);
        pm_image_put_u64(&image, THREADS + (u64)layout->at.thread_exception, 0);
        assert_false(pm_threads_is_raising(&interpreter, &image.reader, THREADS));
        pm_image_put_u64(&image, THREADS + (u64)layout->at.thread_exception, 0x1234);
        assert_true(pm_threads_is_raising(&interpreter, &image.reader, THREADS));
        assert_false(pm_threads_is_raising(&interpreter, &image.reader, 0));
        pm_image_release(&image);
    }
    assert_true(tried > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_chunks_of_all_threads),
        cmocka_unit_test(damage_is_no_part),
        cmocka_unit_test(raising),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
