/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Verdicts on stores of a 1, by the numbers of every layout row. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "cpython/pm_births.h"
#include "pm_object_fixture.h"

enum { FRAME_TYPE = 0x25000, DICT_TYPE = 0x26000, DEALLOC = 0x700000, ELSEWHERE = 0x900000 };

static enum pm_birth judge_at(struct fixture *fixture, u64 object, u64 block, u64 instruction, u64 *type)
{
    const struct pm_birth_store store = { .object = object, .block = block, .instruction = instruction };

    return pm_birth_judge(fixture->layout, &fixture->image.reader, FRAME_TYPE, &store, type);
}

static enum pm_birth judge(struct fixture *fixture, u64 object, u64 type)
{
    u64 found;
    const enum pm_birth birth = judge_at(fixture, object, BLOCK, ELSEWHERE, &found);

    assert_true(birth == PM_BIRTH_NONE || found == (birth == PM_BIRTH_NO_OBJECT ? 0 : type));
    return birth;
}

static void headers_of(const struct pm_layout *layout)
{
    const u64 gc_head = (u64)layout->at.gc_head_bytes, hook = layout->hook_prefix_bytes;
    u64 bytes[PM_BIRTH_HEADERS];

    pm_birth_headers(layout, bytes);
    for (unsigned wanted = 0; wanted < 4; wanted++) {
        u64 header = (wanted & 1 ? gc_head : 0) + (wanted & 2 ? hook : 0);
        bool found = false;
        for (size_t i = 0; i < PM_BIRTH_HEADERS; i++)
            found |= bytes[i] == header;
        assert_true(found);
    }
}

static void test_headers(void **state)
{
    (void)state;
    each_row(headers_of);
}

/* An object is born only where its type lets one begin: behind a GC head just if it is collected. */
static void places_of(const struct pm_layout *layout)
{
    const u64 head = (u64)layout->at.gc_head_bytes, hook = layout->hook_prefix_bytes;
    static const u64 types[] = { LIST_TYPE, LONG_TYPE, FRAME_TYPE };
    struct fixture fixture;

    set_up(&fixture, layout);
    put_type(&fixture, FRAME_TYPE, "frame", GC_FLAG, OBJECT_TYPE, 400, 8);
    for (size_t i = 0; i < PM_ARRAY_LENGTH(types); i++)
        for (u64 header = 0; header <= hook + head + 8; header += 8) {
            const u64 own_head = types[i] == LONG_TYPE ? 0 : head;
            const bool good = header == own_head || header == hook + own_head;

            put_object(&fixture, BLOCK + header, types[i], 1);
            assert_int_equal(judge(&fixture, BLOCK + header, types[i]),
                             !good ? PM_BIRTH_NONE
                             : types[i] == FRAME_TYPE ? PM_BIRTH_FRAME : PM_BIRTH_OBJECT);
        }
    tear_down(&fixture);
}

static void test_places(void **state)
{
    (void)state;
    each_row(places_of);
}

/* Words that follow a 1 and lead to no type: odd, small, unreadable, or of an object that is no type. */
static void no_objects_of(const struct pm_layout *layout)
{
    static const u64 words[] = { 0, 3, LIST_TYPE + 4, 0xdead0000, TEXT, LIST_TYPE + 512 };
    struct fixture fixture;

    set_up(&fixture, layout);
    for (size_t i = 0; i < PM_ARRAY_LENGTH(words); i++) {
        put_object(&fixture, BLOCK, words[i], 1);
        assert_int_equal(judge(&fixture, BLOCK, 0), PM_BIRTH_NO_OBJECT);
    }
    put_object(&fixture, BLOCK, LONG_TYPE, 1);
    assert_int_equal(judge(&fixture, BLOCK, LONG_TYPE), PM_BIRTH_OBJECT);
    put(&fixture, METATYPE, layout->at.type_flags, READY_FLAG);
    assert_int_equal(judge(&fixture, BLOCK, 0), PM_BIRTH_NO_OBJECT);
    pm_image_unmap(&fixture.image, BLOCK);
    assert_int_equal(judge(&fixture, BLOCK, 0), PM_BIRTH_NO_OBJECT);
    tear_down(&fixture);
}

static void test_no_objects(void **state)
{
    (void)state;
    each_row(no_objects_of);
}

/* A dict's own deallocator revives it near its beginning; no other store does, and no other type. */
static void dying_dicts_of(const struct pm_layout *layout)
{
    const u64 dict = BLOCK + (u64)layout->at.gc_head_bytes;
    const struct {
        u64 type, instruction;
        enum pm_birth birth;
    } cases[] = {
        { DICT_TYPE, DEALLOC, PM_BIRTH_NONE }, { DICT_TYPE, DEALLOC + 127, PM_BIRTH_NONE },
        { DICT_TYPE, DEALLOC + 128, PM_BIRTH_OBJECT }, { DICT_TYPE, DEALLOC - 1, PM_BIRTH_OBJECT },
        { DICT_TYPE, 0, PM_BIRTH_OBJECT }, { LIST_TYPE, DEALLOC, PM_BIRTH_OBJECT },
    };
    struct fixture fixture;

    set_up(&fixture, layout);
    put_type(&fixture, DICT_TYPE, "dict", 1ul << PM_TYPE_DICT_BIT | GC_FLAG, OBJECT_TYPE, 48, 0);
    put(&fixture, DICT_TYPE, layout->at.type_dealloc, DEALLOC);
    put(&fixture, LIST_TYPE, layout->at.type_dealloc, DEALLOC);
    for (size_t i = 0; i < PM_ARRAY_LENGTH(cases); i++) {
        u64 type;

        put_object(&fixture, dict, cases[i].type, 1);
        assert_int_equal(judge_at(&fixture, dict, BLOCK, cases[i].instruction, &type), cases[i].birth);
    }
    tear_down(&fixture);
}

static void test_dying_dicts(void **state)
{
    (void)state;
    each_row(dying_dicts_of);
}

/* The unused part of a frame's stack counts only if it lies in the frame's block. */
static void unused_values_of(const struct pm_layout *layout)
{
    const struct pm_layout_numbers *at = &layout->at;
    const u64 values = BLOCK + (u64)at->frame_locals, end = values + 4 * 8;
    struct fixture fixture;
    u64 first, last;

    set_up(&fixture, layout);
    pm_image_put_u64(&fixture.image, end, 0);
    put(&fixture, BLOCK, at->object_size, 4);
    if (at->frame_values != PM_LAYOUT_ABSENT)
        put(&fixture, BLOCK, at->frame_values, values);
    if (at->frame_values_top != PM_LAYOUT_ABSENT)
        put(&fixture, BLOCK, at->frame_values_top, values + 8);
    if (at->frame_stack_depth != PM_LAYOUT_ABSENT)
        pm_image_put_u32(&fixture.image, BLOCK + (u64)at->frame_stack_depth, 1);
    if (pm_birth_unused_values(layout, &fixture.image.reader, BLOCK, end, &first, &last)) {
        assert_int_equal(first, values + 8);
        assert_int_equal(last, end);
        assert_true(at->frame_executing != PM_LAYOUT_ABSENT || at->frame_stack_depth != PM_LAYOUT_ABSENT);
    } else {
        assert_true(at->frame_executing == PM_LAYOUT_ABSENT && at->frame_stack_depth == PM_LAYOUT_ABSENT);
    }
    assert_false(pm_birth_unused_values(layout, &fixture.image.reader, BLOCK, end - 8, &first, &last));
    tear_down(&fixture);
}

static void test_unused_values(void **state)
{
    (void)state;
    each_row(unused_values_of);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_no_objects),
        cmocka_unit_test(test_dying_dicts),
        cmocka_unit_test(test_unused_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
