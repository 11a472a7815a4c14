/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The unused words of a frame's evaluation stack, for every state of a frame and every layout row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "cpython/pm_frame_values.h"
#include "pm_image.h"

enum { FRAME = 0x20000, LOCALS = 3, STACK = 5, WORD = 8 };

struct fixture {
    struct pm_image image;
    const struct pm_layout *layout;
    u64 values, end;        /* of the evaluation stack */
};

/* A frame with depth values on its stack. running: a call of the evaluation function runs it. */
static void set_up(struct fixture *fixture, const struct pm_layout *layout, u32 depth, bool running)
{
    const struct pm_layout_numbers *at = &layout->at;

    pm_image_init(&fixture->image);
    fixture->layout = layout;
    fixture->values = FRAME + (u64)at->frame_locals + LOCALS * WORD;
    fixture->end = fixture->values + STACK * WORD;
    pm_image_put_u64(&fixture->image, FRAME, 0);
    pm_image_put_u64(&fixture->image, fixture->end - WORD, 0);
    pm_image_put_u64(&fixture->image, FRAME + (u64)at->object_size, LOCALS + STACK);
    if (at->frame_values != PM_LAYOUT_ABSENT)
        pm_image_put_u64(&fixture->image, FRAME + (u64)at->frame_values, fixture->values);
    if (at->frame_values_top != PM_LAYOUT_ABSENT)
        pm_image_put_u64(&fixture->image, FRAME + (u64)at->frame_values_top,
                         running ? 0 : fixture->values + depth * WORD);
    if (at->frame_executing != PM_LAYOUT_ABSENT)
        pm_image_put_u8(&fixture->image, FRAME + (u64)at->frame_executing, running);
    if (at->frame_stack_depth != PM_LAYOUT_ABSENT)
        pm_image_put_u32(&fixture->image, FRAME + (u64)at->frame_stack_depth,
                         running ? (u32)-1 : depth);
}

static bool find(struct fixture *fixture, u64 *first, u64 *end)
{
    return pm_frame_unused_values(fixture->layout, &fixture->image.reader, FRAME, first, end);
}

/* Whether frame objects of this version have a stack and say how high it is. By the fields, so that the
   row's kind is tried, too. */
static bool is_known(const struct pm_layout *layout)
{
    return layout->at.frame_executing != PM_LAYOUT_ABSENT
           || layout->at.frame_stack_depth != PM_LAYOUT_ABSENT;
}

static void test_states(void **state)
{
    const struct pm_layout *layout;
    u32 known = 0;

    (void)state;
    for (size_t i = 0; (layout = pm_layout_row(i)) != NULL; i++) {
        known += is_known(layout);
        for (u32 depth = 0; depth <= STACK; depth++) {
            struct fixture fixture;
            u64 first, end;

            set_up(&fixture, layout, depth, false);
            assert_int_equal(find(&fixture, &first, &end), is_known(layout) && depth < STACK);
            if (is_known(layout) && depth < STACK) {
                assert_int_equal(first, fixture.values + depth * WORD);
                assert_int_equal(end, fixture.end);
            }
            pm_image_release(&fixture.image);
            set_up(&fixture, layout, depth, true);
            assert_false(find(&fixture, &first, &end));
            pm_image_release(&fixture.image);
        }
    }
    assert_true(known > 0);
}

/* Up to 3.9 a frame that is done has no top at all. */
static void test_done(void **state)
{
    const struct pm_layout *layout;

    (void)state;
    for (size_t i = 0; (layout = pm_layout_row(i)) != NULL; i++) {
        struct fixture fixture;
        u64 first, end;

        if (layout->at.frame_executing == PM_LAYOUT_ABSENT)
            continue;
        set_up(&fixture, layout, 2, false);
        pm_image_put_u64(&fixture.image, FRAME + (u64)layout->at.frame_values_top, 0);
        assert_true(find(&fixture, &first, &end));
        assert_int_equal(first, fixture.values);
        assert_int_equal(end, fixture.end);
        pm_image_release(&fixture.image);
    }
}

/* Numbers that no frame has. */
static void test_damaged(void **state)
{
    const struct pm_layout *layout;

    (void)state;
    for (size_t i = 0; (layout = pm_layout_row(i)) != NULL; i++) {
        const struct pm_layout_numbers *at = &layout->at;
        const u64 tops[] = { 1, 8, FRAME, ~(u64)0, ~(u64)7 };
        struct fixture fixture;
        u64 first, end;

        if (!is_known(layout))
            continue;
        set_up(&fixture, layout, 0, false);
        pm_image_put_u64(&fixture.image, FRAME + (u64)at->object_size, (u64)1 << 60);
        assert_false(find(&fixture, &first, &end));
        pm_image_put_u64(&fixture.image, FRAME + (u64)at->object_size, 0);
        assert_false(find(&fixture, &first, &end));
        pm_image_release(&fixture.image);
        for (size_t k = 0; k < PM_ARRAY_LENGTH(tops); k++) {
            set_up(&fixture, layout, 0, false);
            pm_image_put_u64(&fixture.image, FRAME + (u64)(at->frame_values_top != PM_LAYOUT_ABSENT
                                                           ? at->frame_values_top : at->frame_values),
                             tops[k]);
            assert_false(find(&fixture, &first, &end));
            pm_image_release(&fixture.image);
        }
        set_up(&fixture, layout, 0, false);
        pm_image_unmap(&fixture.image, FRAME);
        assert_false(find(&fixture, &first, &end));
        pm_image_release(&fixture.image);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_done),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
