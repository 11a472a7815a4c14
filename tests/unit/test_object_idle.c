/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dict keys in a free list and the unused part of deques, on made-up memory, for every layout row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "pm_object_fixture.h"

/* Writes keys of the smallest size with three used entries; returns their size in bytes. */
static u64 put_keys(struct fixture *fixture, bool texts_only, u64 references)
{
    const struct pm_layout_numbers *at = fixture->at;
    u8 zeros[BLOCK_BYTES] = { 0 };

    pm_image_put(&fixture->image, BLOCK, zeros, sizeof zeros);
    pm_image_put_u64(&fixture->image, BLOCK, references);
    if (at->keys_size != PM_LAYOUT_ABSENT) {
        put(fixture, BLOCK, at->keys_size, 8);
    } else {
        pm_image_put_u8(&fixture->image, BLOCK + (u64)at->keys_log2_size, 3);
        pm_image_put_u8(&fixture->image, BLOCK + (u64)at->keys_log2_index_bytes, 3);
        pm_image_put_u8(&fixture->image, BLOCK + (u64)at->keys_kind, texts_only);
    }
    put(fixture, BLOCK, at->keys_entry_count, 3);
    return (u64)at->keys_indices + 8 + 5 * (texts_only && at->keys_kind != PM_LAYOUT_ABSENT ? 16 : 24);
}

/* Small keys in a free list are recognised by their size and count. */
static void idle_keys_of(const struct pm_layout *layout)
{
    if (layout->at.keys_indices == PM_LAYOUT_ABSENT)
        return;
    for (int texts_only = 0; texts_only < 2; texts_only++)
        for (u64 references = 0; references < 4; references++) {
            struct fixture fixture;
            u64 bytes;

            set_up(&fixture, layout);
            bytes = put_keys(&fixture, texts_only != 0, references);
            start(&fixture);
            assert_int_equal(pm_objects_are_idle_keys(&fixture.objects, BLOCK, bytes), references <= 1);
            assert_false(pm_objects_are_idle_keys(&fixture.objects, BLOCK, bytes - 8));
            assert_false(pm_objects_are_idle_keys(&fixture.objects, BLOCK, bytes + 8));
            assert_false(pm_objects_are_idle_keys(&fixture.objects, BLOCK, 0));
            assert_false(pm_objects_are_idle_keys(&fixture.objects, 0xdead0000, bytes));
            put(&fixture, BLOCK, layout->at.keys_entry_count, 6);
            assert_false(pm_objects_are_idle_keys(&fixture.objects, BLOCK, bytes));
            put(&fixture, BLOCK, layout->at.keys_entry_count, 5);
            assert_int_equal(pm_objects_are_idle_keys(&fixture.objects, BLOCK, bytes), references <= 1);
            if (layout->at.keys_size != PM_LAYOUT_ABSENT)
                put(&fixture, BLOCK, layout->at.keys_size, 16);
            else
                pm_image_put_u8(&fixture.image, BLOCK + (u64)layout->at.keys_log2_size, 4);
            assert_false(pm_objects_are_idle_keys(&fixture.objects, BLOCK, bytes));
            tear_down(&fixture);
        }
}

static void test_idle_keys(void **state)
{
    (void)state;
    each_row(idle_keys_of);
}

enum { DEQUE_TYPE = 0x19000, LEFT = 0x25000, MIDDLE = 0x26000, RIGHT = 0x27000, RIGHT_LINK = 8 + 64 * 8 };

/* A deque of three blocks, with first and last as its indices. */
static u64 put_deque(struct fixture *fixture, u64 first, u64 last)
{
    const struct pm_layout_numbers *at = fixture->at;
    u64 deque = BLOCK + (u64)at->gc_head_bytes;

    put_type(fixture, DEQUE_TYPE, "collections.deque", GC_FLAG, OBJECT_TYPE, 80, 0);
    put_object(fixture, deque, DEQUE_TYPE, 1);
    put(fixture, deque, at->deque_left_block, LEFT);
    put(fixture, deque, at->deque_right_block, RIGHT);
    put(fixture, deque, at->deque_left_index, first);
    put(fixture, deque, at->deque_right_index, last);
    pm_image_put_u64(&fixture->image, LEFT + RIGHT_LINK, MIDDLE);
    pm_image_put_u64(&fixture->image, MIDDLE + RIGHT_LINK, RIGHT);
    pm_image_put_u64(&fixture->image, RIGHT + RIGHT_LINK, BLOCK);
    return deque;
}

/* Whether the word at address is no reference. */
static bool is_weak(struct fixture *fixture, const struct pm_object *object, u64 address)
{
    struct pm_object_words words[PM_OBJECT_WEAK_WORDS_MAX];
    u32 count = pm_objects_weak_words(&fixture->objects, object, words, PM_OBJECT_WEAK_WORDS_MAX);

    for (u32 i = 0; i < count; i++)
        if (address >= words[i].first && address < words[i].end)
            return true;
    return false;
}

static void expect_deque(struct fixture *fixture, const struct pm_object *object, u64 first, u64 last)
{
    assert_int_equal(pm_objects_deque_block(&fixture->objects, object, 0), LEFT);
    assert_int_equal(pm_objects_deque_block(&fixture->objects, object, LEFT), MIDDLE);
    assert_int_equal(pm_objects_deque_block(&fixture->objects, object, MIDDLE), RIGHT);
    assert_int_equal(pm_objects_deque_block(&fixture->objects, object, RIGHT), 0);
    assert_true(is_weak(fixture, object, LEFT));
    assert_true(is_weak(fixture, object, RIGHT + RIGHT_LINK));
    assert_false(is_weak(fixture, object, LEFT + RIGHT_LINK));
    assert_false(is_weak(fixture, object, RIGHT));
    for (u64 i = 0; i < 64; i++) {
        assert_int_equal(is_weak(fixture, object, LEFT + 8 + i * 8), i < first);
        assert_false(is_weak(fixture, object, MIDDLE + 8 + i * 8));
        assert_int_equal(is_weak(fixture, object, RIGHT + 8 + i * 8), last == (u64)-1 || i > last);
    }
}

static void deques_of(const struct pm_layout *layout)
{
    static const struct {
        u64 first, last;
    } indices[] = { { 0, 63 }, { 31, 30 }, { 64, 0 }, { 5, (u64)-1 }, { 63, 1 } };
    struct pm_object object;
    struct fixture fixture;

    for (size_t i = 0; i < PM_ARRAY_LENGTH(indices); i++) {
        set_up(&fixture, layout);
        if (layout->at.deque_left_block == PM_LAYOUT_ABSENT) {
            put_list(&fixture, 0, true);
            start(&fixture);
            assert_int_equal(pm_objects_deque_block_bytes(&fixture.objects), 0);
        } else {
            u64 deque = put_deque(&fixture, indices[i].first, indices[i].last);
            start(&fixture);
            assert_int_equal(pm_objects_deque_block_bytes(&fixture.objects), RIGHT_LINK + 8);
            assert_true(identify(&fixture, BLOCK_BYTES, 0, &object));
            assert_int_equal(object.address, deque);
            expect_deque(&fixture, &object, indices[i].first, indices[i].last);
            put(&fixture, deque, layout->at.deque_right_index, 64);
            assert_false(is_weak(&fixture, &object, RIGHT + RIGHT_LINK));
            assert_false(is_weak(&fixture, &object, LEFT));
            put(&fixture, deque, layout->at.deque_left_block, 0);
            assert_int_equal(pm_objects_deque_block(&fixture.objects, &object, 0), 0);
        }
        assert_true(identify(&fixture, BLOCK_BYTES, 0, &object));
        if (layout->at.deque_left_block == PM_LAYOUT_ABSENT)
            assert_int_equal(pm_objects_deque_block(&fixture.objects, &object, 0), 0);
        tear_down(&fixture);
    }
}

static void test_deques(void **state)
{
    (void)state;
    each_row(deques_of);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_idle_keys),
        cmocka_unit_test(test_deques),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
