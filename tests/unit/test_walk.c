/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frame walk over made-up chains, for every layout row: order, positions, entries,
   incomplete frames, limits, circles and unreadable memory. */
#include "pm_chain.h"

static void expect_frame(const struct chain *chain, unsigned found, size_t made, i32 unit,
                         bool entry, u32 empty_entries)
{
    const struct pm_layout *layout = chain->interpreter.layout;
    const struct pm_raw_frame *frame = &chain->found[found];

    assert_int_equal(frame->code, CODE + made * PAGE);
    assert_int_equal(frame->position, position_of(layout, made, unit));
    assert_int_equal(frame->entry, layout->entry == PM_ENTRY_EACH || entry);
    assert_int_equal(frame->empty_entries, empty_entries);
}

static void expect_end(const struct chain *chain, unsigned count, enum pm_walk_end end)
{
    assert_int_equal(chain->count, count);
    assert_int_equal(chain->end, end);
}

static void test_groups(void **state)
{
    const struct made_frame frames[] = {
        { 7, false, false }, { 8, true, false }, { 9, true, false }, { 2, false, false },
        { 300, true, false },
    };
    struct chain chain;

    FOR_EACH_ROW(layout) {
        make(&chain, layout, frames, 5, 0);
        walk(&chain, MAX);
        expect_end(&chain, 5, PM_WALK_COMPLETE);
        for (unsigned i = 0; i < 5; i++)
            expect_frame(&chain, i, i, frames[i].unit, frames[i].entry, 0);
        pm_image_release(&chain.image);
    }
}

/* The frames of waiting generators that C code throws into belong to no call. */
static void test_frames_outside_all_calls(void **state)
{
    const struct made_frame frames[] = {
        { 7, false, false }, { 8, true, false }, { 9, false, true }, { 2, false, true },
    };
    const struct made_frame nothing_else[] = { { 9, false, true } };
    struct chain chain;

    FOR_EACH_ROW(layout) {
        make(&chain, layout, frames, 4, 0);
        walk(&chain, MAX);
        expect_end(&chain, 4, PM_WALK_COMPLETE);
        for (unsigned i = 0; i < 4; i++)
            expect_frame(&chain, i, i, frames[i].unit, frames[i].entry, 0);
        pm_image_release(&chain.image);

        make(&chain, layout, nothing_else, 1, 0);
        walk(&chain, MAX);
        expect_end(&chain, 1, PM_WALK_COMPLETE);
        expect_frame(&chain, 0, 0, 9, false, 0);
        pm_image_release(&chain.image);
    }
}

/* A stack depth saved for a trace function does not mean that the frame waits. */
static void test_traced_frame(void **state)
{
    const struct made_frame frames[] = { { 7, true, false }, { 8, false, true }, { 9, true, false } };
    struct chain chain;
    unsigned rows = 0;

    FOR_EACH_ROW(layout) {
        if (layout->entry != PM_ENTRY_RUNNING)
            continue;
        rows++;
        make(&chain, layout, frames, 3, 0);
        pm_image_put_u64(&chain.image, frame_address(1) + (u64)layout->at.frame_trace, 0x4440);
        walk(&chain, MAX);
        expect_end(&chain, 3, PM_WALK_COMPLETE);
        for (unsigned i = 0; i < 3; i++)
            expect_frame(&chain, i, i, frames[i].unit, true, 0);
        pm_image_release(&chain.image);
    }
    assert_int_equal(rows, 4);
}

/* Damaged chains of calls. */
static void test_damaged_calls(void **state)
{
    const struct made_frame frames[] = {
        { 7, true, false }, { 8, true, false }, { 9, true, false },
    };
    struct chain chain;
    unsigned rows = 0;

    FOR_EACH_ROW(layout) {
        if (layout->entry != PM_ENTRY_CFRAME)
            continue;
        rows++;
        /* The _PyCFrame of the first call, the second, and the thread state is unreadable. */
        for (unsigned group = 0; group < 3; group++) {
            make(&chain, layout, frames, 3, 0);
            pm_image_unmap(&chain.image, cframe_address(group));
            walk(&chain, MAX);
            expect_end(&chain, group == 0 ? 0 : group - 1, PM_WALK_UNREADABLE);
            pm_image_release(&chain.image);
        }
        /* A circle of calls without a frame. */
        make(&chain, layout, frames, 3, 0);
        put_cframe(&chain, 1, frame_address(1), cframe_address(2));
        put_cframe(&chain, 2, frame_address(1), cframe_address(1));
        walk(&chain, MAX);
        expect_end(&chain, 1, PM_WALK_UNREADABLE);
        pm_image_release(&chain.image);
        /* A call without a frame is counted; a call whose end is never reached ends with the chain. */
        make(&chain, layout, frames, 3, 0);
        put_cframe(&chain, 1, frame_address(1), cframe_address(2));
        put_cframe(&chain, 2, frame_address(1), cframe_address(3));
        put_cframe(&chain, 3, 0x7770, 0);
        walk(&chain, MAX);
        expect_end(&chain, 3, PM_WALK_COMPLETE);
        expect_frame(&chain, 0, 0, 7, true, 0);
        expect_frame(&chain, 1, 1, 8, false, 1);
        expect_frame(&chain, 2, 2, 9, true, 0);
        pm_image_release(&chain.image);
    }
    assert_int_equal(rows, 4);
}

static void test_no_frame(void **state)
{
    struct chain chain;

    FOR_EACH_ROW(layout) {
        if (layout->anchor == PM_ANCHOR_FRAME)
            continue;
        make(&chain, layout, NULL, 0, 0);
        walk(&chain, MAX);
        expect_end(&chain, 0, PM_WALK_COMPLETE);
        pm_image_release(&chain.image);
    }
}

/* A frame that has not begun: its index is -1, or its pointer lies before the first instruction. */
static void test_incomplete_frames(void **state)
{
    const struct made_frame frames[] = {
        { -1, true, false },    /* alone in its group */
        { 1, false, false },    /* in a group with the next */
        { 5, true, false },
        { 1, true, true },      /* a generator's frame always counts */
        { 0, true, false },
        { 0, true, false },
        { 9, true, false },
    };
    struct chain chain;

    FOR_EACH_ROW(layout) {
        make(&chain, layout, frames, 7, 0);
        walk(&chain, MAX);
        if (layout->complete == PM_COMPLETE_ALWAYS) {
            expect_end(&chain, 7, PM_WALK_COMPLETE);
            expect_frame(&chain, 0, 0, -1, true, 0);
        } else {
            expect_end(&chain, 3, PM_WALK_COMPLETE);
            expect_frame(&chain, 0, 2, 5, true, 1);
            expect_frame(&chain, 1, 3, 1, true, 0);
            expect_frame(&chain, 2, 6, 9, true, 2);
        }
        pm_image_release(&chain.image);
    }
}

static void test_limit(void **state)
{
    const struct made_frame frames[] = {
        { 7, false, false }, { 8, true, false }, { 9, true, false },
    };
    struct chain chain;

    FOR_EACH_ROW(layout) {
        make(&chain, layout, frames, 3, 0);
        walk(&chain, 2);
        expect_end(&chain, 2, PM_WALK_LIMIT);
        expect_frame(&chain, 1, 1, 8, true, 0);
        walk(&chain, 3);
        expect_end(&chain, 3, PM_WALK_COMPLETE);
        walk(&chain, 0);
        expect_end(&chain, 0, PM_WALK_LIMIT);
        pm_image_release(&chain.image);
    }
}

/* A circle of reported frames ends with the capacity at the latest; a circle of skipped frames must be
   found. */
static void test_circles(void **state)
{
    const struct made_frame complete[] = {
        { 7, false, false }, { 8, true, false }, { 9, true, false },
    };
    const struct made_frame incomplete[] = {
        { 7, true, false }, { 0, true, false }, { 0, true, false }, { 1, true, false },
    };
    struct chain chain;

    FOR_EACH_ROW(layout) {
        for (size_t to = 0; to < 3; to++) {
            make(&chain, layout, complete, 3, frame_address(to));
            walk(&chain, MAX);
            assert_int_equal(chain.end, PM_WALK_UNREADABLE);
            assert_in_range(chain.count, 3, 12);
            pm_image_release(&chain.image);
        }
        for (size_t to = 1; to < 4; to++) {
            make(&chain, layout, incomplete, 4, frame_address(to));
            walk(&chain, MAX);
            assert_int_equal(chain.end, PM_WALK_UNREADABLE);
            pm_image_release(&chain.image);
        }
    }
}

static void test_unreadable(void **state)
{
    const struct made_frame frames[] = {
        { 7, true, false }, { 8, true, false }, { 9, true, false },
    };
    struct chain chain;

    FOR_EACH_ROW(layout) {
        make(&chain, layout, frames, 3, 0);
        pm_image_unmap(&chain.image, frame_address(2));
        walk(&chain, MAX);
        expect_end(&chain, 2, PM_WALK_UNREADABLE);
        pm_image_unmap(&chain.image, frame_address(0));
        walk(&chain, MAX);
        expect_end(&chain, 0, PM_WALK_UNREADABLE);
        pm_image_unmap(&chain.image, anchor_of(layout));
        walk(&chain, MAX);
        expect_end(&chain, 0, PM_WALK_UNREADABLE);
        pm_image_release(&chain.image);
    }
}

static void test_senseless_pointers(void **state)
{
    const struct made_frame frames[] = { { 7, true, false }, { 8, true, false } };
    const u64 wrong[] = { 0, 0x12345, UINT64_MAX, UINT64_MAX - 7 };
    struct chain chain;

    FOR_EACH_ROW(layout) {
        for (size_t i = 0; i < PM_ARRAY_LENGTH(wrong); i++) {
            u64 code_field = frame_address(1) + (u64)layout->at.frame_code;

            /* An unreadable address is noticed when the code object is read. */
            if ((wrong[i] & ~(u64)layout->at.code_tag_bits) == UINT64_MAX - 7 && layout->complete == PM_COMPLETE_ALWAYS)
                continue;
            make(&chain, layout, frames, 2, 0);
            pm_image_put_u64(&chain.image, code_field, wrong[i]);
            walk(&chain, MAX);
            expect_end(&chain, 1, PM_WALK_UNREADABLE);
            pm_image_release(&chain.image);
        }
        /* The frame or shim that has the bad pointer is not believed. */
        make(&chain, layout, frames, 2, 0x4242);
        walk(&chain, MAX);
        expect_end(&chain, layout->at.owner_shim != PM_LAYOUT_ABSENT ? 2 : 1,
                   PM_WALK_UNREADABLE);
        pm_image_release(&chain.image);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_frames_outside_all_calls),
        cmocka_unit_test(test_traced_frame),
        cmocka_unit_test(test_damaged_calls),
        cmocka_unit_test(test_no_frame),
        cmocka_unit_test(test_incomplete_frames),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_circles),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_senseless_pointers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
