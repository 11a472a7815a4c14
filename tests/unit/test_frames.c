/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interned frames against a libc search tree. */
#include <search.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "heap/pm_frames.h"
#include "pm_random.h"

struct known_frame {
    u64 contents[8];
    u32 id;
};

/* The contents, field by field, without what does not make another frame. */
static struct known_frame known(const struct pm_frame *frame)
{
    bool has_source = frame->kind != PM_FRAME_NATIVE;

    return (struct known_frame){ { frame->kind, frame->flags, has_source ? frame->line : 0,
                                   frame->function.v, has_source ? frame->file.v : 0,
                                   frame->object.v, frame->offset, frame->address }, 0 };
}

static int compare_known(const void *x, const void *y)
{
    const struct known_frame *a = x, *b = y;
    return memcmp(a->contents, b->contents, sizeof a->contents);
}

static void assert_holds(const struct pm_frames *frames, u32 id, const struct known_frame *expected)
{
    struct known_frame found = known(pm_frames_get(frames, (struct pm_frame_id){ id }));
    assert_memory_equal(found.contents, expected->contents, sizeof found.contents);
}

static struct pm_frame random_frame(struct pm_random *random)
{
    return (struct pm_frame){
        .kind = (u8)pm_random_below(random, 3),
        .flags = (u8)pm_random_below(random, 2),
        .line = (u32)pm_random_below(random, 10),
        .function = { (u32)pm_random_below(random, 10) },
        .file = { (u32)pm_random_below(random, 5) },
        .object = { (u32)pm_random_below(random, 3) },
        .offset = pm_random_below(random, 10) << 60,
        .address = pm_random_below(random, 2) << 40,
    };
}

static void test_random_frames(void **state)
{
    enum { STEPS = 200000 };
    struct pm_random random = pm_random_start();
    struct known_frame *all = calloc(STEPS, sizeof *all);
    struct pm_frames frames;
    void *tree = NULL;
    u32 count = 0;

    (void)state;
    pm_frames_init(&frames);
    for (int step = 0; step < STEPS; step++) {
        struct pm_frame frame = random_frame(&random);
        all[count] = known(&frame);
        struct known_frame *found = *(struct known_frame **)tsearch(&all[count], &tree,
                                                                    compare_known);
        if (found == &all[count]) {
            found->id = count;
            count++;
        }
        assert_int_equal(pm_frames_intern(&frames, &frame).v, found->id);
        assert_int_equal(frames.count, count);
    }
    assert_in_range(count, 10000, STEPS / 2);       /* many, and many met again */
    for (u32 id = 0; id < count; id++)
        assert_holds(&frames, id, &all[id]);
    for (u32 id = 0; id < count; id++)
        tdelete(&all[id], &tree, compare_known);
    assert_null(tree);
    pm_frames_release(&frames);
    free(all);
}

/* Each field alone makes another frame. */
static void test_each_field(void **state)
{
    static const struct pm_frame variants[] = {
        { 0 },
        { .kind = PM_FRAME_PYTHON },
        { .kind = PM_FRAME_NOTE },
        { .flags = PM_FRAME_ALLOCATOR },
        { .flags = PM_FRAME_EVAL },
        { .kind = PM_FRAME_PYTHON, .line = 1 },
        { .kind = PM_FRAME_PYTHON, .line = UINT32_MAX },
        { .kind = PM_FRAME_PYTHON, .file = { 1 } },
        { .function = { 1 } },
        { .object = { 1 } },
        { .address = 1 },
        { .address = UINT64_MAX },
        { .offset = 1 },
        { .offset = UINT64_MAX },
    };
    struct pm_frames frames;

    (void)state;
    pm_frames_init(&frames);
    for (int round = 0; round < 2; round++)
        for (u32 i = 0; i < PM_ARRAY_LENGTH(variants); i++)
            assert_int_equal(pm_frames_intern(&frames, &variants[i]).v, i);
    assert_int_equal(frames.count, PM_ARRAY_LENGTH(variants));
    pm_frames_release(&frames);
}

/* The source of a native frame may become known before or after it is met again. */
static void test_source_of_native_frame(void **state)
{
    const struct pm_frame unknown = { .function = { 7 }, .address = 0x1234 };
    struct pm_frame known_later = unknown;
    struct pm_frames frames;

    (void)state;
    known_later.file.v = 3;
    known_later.line = 156;
    pm_frames_init(&frames);
    const struct pm_frame_id id = pm_frames_intern(&frames, &unknown);
    pm_frames_set_source(&frames, id, (struct pm_string_id){ 3 }, 156);
    assert_int_equal(pm_frames_get(&frames, id)->line, 156);
    assert_int_equal(pm_frames_get(&frames, id)->file.v, 3);
    assert_int_equal(pm_frames_intern(&frames, &unknown).v, id.v);
    assert_int_equal(pm_frames_intern(&frames, &known_later).v, id.v);
    assert_int_equal(pm_frames_get(&frames, id)->line, 156);
    assert_int_equal(frames.count, 1);
    pm_frames_release(&frames);
}

/* Frames that hash alike, whatever their line is. A frame is hashed as five words,
   the line in the first, function and file in the second; the state that the first
   word leaves is undone by the second (compare test_strings.c). */
static struct pm_frame colliding_frame(u32 line)
{
    u64 first = (u64)PM_FRAME_PYTHON << 40 | line;
    u64 state = ((0x9e3779b97f4a7c15ull ^ 40) ^ first) * 0x9fb21c651e98df25ull;
    u64 names = state ^ state >> 28;

    return (struct pm_frame){ .kind = PM_FRAME_PYTHON, .line = line,
                              .function = { (u32)(names >> 32) }, .file = { (u32)names } };
}

/* The words that are hashed, to see that the frames above do collide. */
static u64 hash_of(const struct pm_frame *frame)
{
    u64 words[5] = { (u64)frame->kind << 40 | frame->line,
                     (u64)frame->function.v << 32 | frame->file.v };
    return pm_hash_bytes(words, sizeof words);
}

static void test_equal_hashes(void **state)
{
    enum { FRAMES = 500 };
    struct pm_frame first = colliding_frame(0);
    struct pm_frames frames;

    (void)state;
    pm_frames_init(&frames);
    for (int round = 0; round < 2; round++)
        for (u32 line = 0; line < FRAMES; line++) {
            struct pm_frame frame = colliding_frame(line);
            assert_int_equal(hash_of(&frame), hash_of(&first));
            assert_int_equal(pm_frames_intern(&frames, &frame).v, line);
        }
    assert_non_null(pm_map_get(&frames.by_hash, hash_of(&first) + FRAMES - 1));
    pm_frames_release(&frames);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_frames),
        cmocka_unit_test(test_each_field),
        cmocka_unit_test(test_source_of_native_frame),
        cmocka_unit_test(test_equal_hashes),
    };
    return pm_random_verdict(cmocka_run_group_tests(tests, NULL, NULL));
}
