/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules by which sites become rows, on small handmade profiles: which frame is the caller,
   the order of rows, and how reused blocks and shared lines count. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "heap/pm_aggregate.h"
#include "pm_fixture.h"

static const char *caller_of(struct pm_fixture *fixture, struct pm_stack_id stack)
{
    const struct pm_frame *frame = pm_profile_caller(&fixture->profile, stack);
    return frame != NULL ? pm_strings_text(&fixture->strings, frame->function) : NULL;
}

static void test_caller(void **state)
{
    struct pm_fixture fixture;

    (void)state;
    pm_fixture_init(&fixture);
    struct pm_frame_id malloc_ = pm_fixture_native(&fixture, "libc", "malloc", 4,
                                                   PM_FRAME_ALLOCATOR);
    struct pm_frame_id hook = pm_fixture_native(&fixture, "python", "_PyMem_DebugMalloc", 4,
                                                PM_FRAME_ALLOCATOR | PM_FRAME_DEBUG_HOOK);
    struct pm_frame_id list = pm_fixture_native(&fixture, "python", "PyList_New", 8, 0);
    struct pm_frame_id main_ = pm_fixture_native(&fixture, "python", "main", 8, 0);
    struct pm_frame_id nameless = pm_fixture_native(&fixture, "plugin.so", "", 0x1000, 0);
    struct pm_frame_id named = pm_fixture_native(&fixture, "plugin.so", "run", 8, 0);
    struct pm_frame_id own = pm_fixture_native(&fixture, "plugin.so", "xmalloc", 8,
                                               PM_FRAME_ALLOCATOR);
    struct pm_frame_id python = pm_fixture_python(&fixture, "a.py", "f", 3);
    struct pm_frame_id note = pm_fixture_note(&fixture, "[cut]");

    assert_string_equal(caller_of(&fixture, pm_fixture_stack(&fixture, malloc_, hook, list, main_)),
                        "PyList_New");
    /* All frames are allocators: the outermost counts. */
    assert_string_equal(caller_of(&fixture, pm_fixture_stack(&fixture, malloc_, hook)),
                        "_PyMem_DebugMalloc");
    assert_string_equal(caller_of(&fixture, pm_fixture_stack(&fixture, malloc_, hook, note)),
                        "_PyMem_DebugMalloc");
    /* Without a name: the next frame of the same object that has one and is not an allocator.
       It never passes another object, nor malloc. */
    assert_string_equal(caller_of(&fixture, pm_fixture_stack(&fixture, malloc_, nameless, own,
                                                             named, main_)), "run");
    assert_string_equal(caller_of(&fixture, pm_fixture_stack(&fixture, malloc_, nameless, note,
                                                             nameless, named)), "run");
    assert_string_equal(caller_of(&fixture, pm_fixture_stack(&fixture, malloc_, nameless, main_,
                                                             named)), "");
    assert_string_equal(caller_of(&fixture, pm_fixture_stack(&fixture, malloc_, nameless, main_)),
                        "");
    assert_string_equal(caller_of(&fixture, pm_fixture_stack(&fixture, malloc_, nameless)), "");
    assert_string_equal(caller_of(&fixture, pm_fixture_stack(&fixture, nameless, malloc_)), "");
    assert_string_equal(caller_of(&fixture, pm_fixture_stack(&fixture, malloc_, python, list)),
                        "PyList_New");
    assert_null(caller_of(&fixture, pm_fixture_stack(&fixture, python, note)));
    assert_null(caller_of(&fixture, PM_STACK_EMPTY));
    pm_fixture_release(&fixture);
}

static void test_python_frame(void **state)
{
    struct pm_fixture fixture;

    (void)state;
    pm_fixture_init(&fixture);
    struct pm_frame_id native = pm_fixture_native(&fixture, "python", "main", 8, 0);
    struct pm_frame_id inner = pm_fixture_python(&fixture, "a.py", "f", 3);
    struct pm_frame_id outer = pm_fixture_python(&fixture, "a.py", "<module>", 9);
    struct pm_stack_id stack = pm_fixture_stack(&fixture, native, inner, native, outer, native);

    assert_int_equal(pm_profile_python_frame(&fixture.profile, stack)->line, 3);
    assert_null(pm_profile_python_frame(&fixture.profile, pm_fixture_stack(&fixture, native)));
    assert_null(pm_profile_python_frame(&fixture.profile, PM_STACK_EMPTY));
    pm_fixture_release(&fixture);
}

/* Equal sums: compared frame by frame from the innermost, and a stack comes before those that
   it begins. */
static void test_order_of_stacks(void **state)
{
    struct pm_fixture fixture;
    struct pm_aggregate aggregate;
    struct pm_stack_id expected[6];

    (void)state;
    pm_fixture_init(&fixture);
    struct pm_frame_id z = pm_fixture_native(&fixture, "z.so", "a", 1, 0);
    struct pm_frame_id a_far = pm_fixture_native(&fixture, "a.so", "a", 9, 0);
    struct pm_frame_id a = pm_fixture_native(&fixture, "a.so", "a", 1, 0);
    struct pm_frame_id ab = pm_fixture_native(&fixture, "a.so", "ab", 1, 0);
    expected[5] = pm_fixture_stack(&fixture, z, a);
    expected[4] = pm_fixture_stack(&fixture, ab);
    expected[3] = pm_fixture_stack(&fixture, a_far, a);
    expected[2] = pm_fixture_stack(&fixture, a, z);
    expected[1] = pm_fixture_stack(&fixture, a, a_far, z);
    expected[0] = pm_fixture_stack(&fixture, a);
    for (int i = 5; i >= 0; i--)
        pm_fixture_allocate(&fixture, expected[i], 2, 64, 0);
    for (int order = PM_ORDER_TOTAL_BYTES; order <= PM_ORDER_LIVE_BYTES; order++) {
        pm_fixture_aggregate(&aggregate, pm_fixture_profile(&fixture), PM_GROUP_STACK,
                             (enum pm_order)order, 0);
        assert_int_equal(aggregate.count, 6);
        for (size_t i = 0; i < 6; i++)
            assert_int_equal(pm_aggregate_row(&aggregate, i)->stack.v, expected[i].v);
        pm_aggregate_release(&aggregate);
    }
    pm_fixture_release(&fixture);
}

/* A reused header: live where it is used now, in the totals where malloc was called. */
static void test_moved_block(void **state)
{
    struct pm_fixture fixture;
    struct pm_aggregate aggregate;

    (void)state;
    pm_fixture_init(&fixture);
    struct pm_frame_id f = pm_fixture_python(&fixture, "a.py", "f", 1);
    struct pm_frame_id g = pm_fixture_python(&fixture, "a.py", "g", 5);
    struct pm_stack_id old = pm_fixture_stack(&fixture, f), now = pm_fixture_stack(&fixture, g);
    pm_fixture_allocate(&fixture, old, 1, 56, 0);
    pm_fixture_move(&fixture, old, now, 56);
    pm_fixture_aggregate(&aggregate, pm_fixture_profile(&fixture), PM_GROUP_LINE,
                         PM_ORDER_LIVE_BYTES, 0);
    assert_int_equal(aggregate.count, 1);
    assert_int_equal(pm_aggregate_row(&aggregate, 0)->line, 5);
    assert_int_equal(pm_aggregate_row(&aggregate, 0)->stack.v, now.v);
    assert_int_equal(pm_aggregate_row(&aggregate, 0)->figures.live_bytes, 56);
    assert_int_equal(pm_aggregate_row(&aggregate, 0)->figures.total_blocks, 0);
    pm_aggregate_release(&aggregate);
    pm_fixture_aggregate(&aggregate, pm_fixture_profile(&fixture), PM_GROUP_LINE,
                         PM_ORDER_TOTAL_BYTES, 0);
    assert_int_equal(pm_aggregate_row(&aggregate, aggregate.count - 1)->line, 1);
    assert_int_equal(pm_aggregate_row(&aggregate, aggregate.count - 1)->figures.total_bytes, 56);
    pm_aggregate_release(&aggregate);
    pm_fixture_release(&fixture);
}

/* A line with two functions is one row, named after the function that requested more. */
static void test_two_functions_on_a_line(void **state)
{
    struct pm_fixture fixture;
    struct pm_aggregate aggregate;

    (void)state;
    pm_fixture_init(&fixture);
    struct pm_stack_id f = pm_fixture_stack(&fixture, pm_fixture_python(&fixture, "a.py", "f", 7));
    struct pm_stack_id lambda = pm_fixture_stack(
        &fixture, pm_fixture_python(&fixture, "a.py", "f.<locals>.<lambda>", 7));
    pm_fixture_allocate(&fixture, f, 10, 1, 0);
    pm_fixture_allocate(&fixture, lambda, 1, 1000, 0);
    pm_fixture_allocate(&fixture, f, 10, 1, 0);
    pm_fixture_aggregate(&aggregate, pm_fixture_profile(&fixture), PM_GROUP_LINE,
                         PM_ORDER_TOTAL_BYTES, 0);
    assert_int_equal(aggregate.count, 1);
    assert_string_equal(pm_strings_text(&fixture.strings, pm_aggregate_row(&aggregate, 0)->function),
                        "f.<locals>.<lambda>");
    assert_int_equal(pm_aggregate_row(&aggregate, 0)->stack.v, lambda.v);
    assert_int_equal(pm_aggregate_row(&aggregate, 0)->figures.total_bytes, 1020);
    pm_aggregate_release(&aggregate);
    pm_fixture_aggregate(&aggregate, pm_fixture_profile(&fixture), PM_GROUP_FUNCTION,
                         PM_ORDER_TOTAL_BYTES, 0);
    assert_int_equal(aggregate.count, 2);
    assert_int_equal(pm_aggregate_row(&aggregate, 0)->line, 0);
    pm_aggregate_release(&aggregate);
    pm_fixture_release(&fixture);
}

static void test_nothing(void **state)
{
    struct pm_fixture fixture;
    struct pm_aggregate aggregate;

    (void)state;
    pm_fixture_init(&fixture);
    for (int group = PM_GROUP_CALLER; group <= PM_GROUP_STACK; group++) {
        pm_fixture_aggregate(&aggregate, pm_fixture_profile(&fixture), (enum pm_group)group,
                             PM_ORDER_LIVE_BYTES, 0);
        assert_int_equal(aggregate.count, 0);
        assert_int_equal(aggregate.total_blocks, 0);
        pm_aggregate_release(&aggregate);
    }
    pm_fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_caller),
        cmocka_unit_test(test_python_frame),
        cmocka_unit_test(test_order_of_stacks),
        cmocka_unit_test(test_moved_block),
        cmocka_unit_test(test_two_functions_on_a_line),
        cmocka_unit_test(test_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
