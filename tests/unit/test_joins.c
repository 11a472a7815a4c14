/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Joins against pm_splice itself: the stack of two halves, the Python one cut at the limit, has the frames that
   the splice gives, and equal stacks have equal numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "base/pm_platform.h"
#include "heap/pm_joins.h"
#include "pm_random.h"

enum { MOST = 12, DISTINCT = 3, LIMIT = 8, MORE = 1000 };

struct halves {
    struct pm_splice_native native[MOST];
    struct pm_splice_python python[MOST];
    size_t natives, pythons;
};

static void make_halves(struct pm_random *random, struct halves *halves)
{
    halves->natives = pm_random_below(random, MOST + 1);
    halves->pythons = pm_random_below(random, MOST + 1);
    for (size_t i = 0; i < halves->natives; i++)
        halves->native[i] = (struct pm_splice_native){
            { (u32)pm_random_below(random, DISTINCT) }, pm_random_below(random, 4) == 0,
        };
    for (size_t i = 0; i < halves->pythons; i++)
        halves->python[i] = (struct pm_splice_python){
            .frame = { INT32_MAX - 1 - (u32)pm_random_below(random, DISTINCT) },
            .empty_entries = pm_random_below(random, 5) ? 0 : (u32)pm_random_below(random, 3),
            .entry = pm_random_below(random, 3) == 0,
        };
}

static struct pm_python_half python_half(struct pm_joins *joins, const struct halves *halves)
{
    struct pm_python_half half = PM_PYTHON_HALF_EMPTY;

    for (size_t i = halves->pythons; i-- > 0;)
        half = pm_joins_python(joins, half, &halves->python[i]);
    return half;
}

static void assert_stack(const struct pm_stacks *stacks, struct pm_stack_id id,
                         const struct halves *halves)
{
    struct halves cut = *halves;
    struct pm_frame_id frames[2 * MOST];

    if (cut.pythons > LIMIT) {
        cut.pythons = LIMIT + 1;
        cut.python[LIMIT] = (struct pm_splice_python){ .frame = { MORE }, .entry = true };
    }
    size_t length = pm_splice(cut.native, cut.natives, cut.python, cut.pythons, frames);

    for (size_t i = 0; i < length; i++) {
        assert_int_not_equal(id.v, 0);
        assert_int_equal(pm_stacks_node(stacks, id).frame.v, frames[i].v);
        id = pm_stacks_node(stacks, id).parent;
    }
    assert_int_equal(id.v, 0);
}

static u32 number_of(const struct pm_joins *joins, const struct pm_join *join)
{
    return (u32)(join - joins->all);
}

/* Many halves by chance; and some of them again and again in the same order, so that what is
   expected next is right, and at times wrong. */
static void test_random(void **state)
{
    enum { KEPT = 50 };
    static struct halves kept[KEPT];
    struct pm_random random = pm_random_start();
    struct pm_stacks stacks;
    struct pm_joins joins;
    struct halves fresh;
    u32 numbers[KEPT] = { 0 };

    (void)state;
    pm_stacks_init(&stacks);
    pm_joins_init(&joins, &stacks, LIMIT, (struct pm_frame_id){ MORE });
    for (size_t i = 0; i < KEPT; i++)
        make_halves(&random, &kept[i]);
    for (size_t step = 0; step < 30000; step++) {
        const struct halves *halves = &kept[step % KEPT];
        bool again = pm_random_below(&random, 4) != 0;
        if (!again) {
            make_halves(&random, &fresh);
            halves = &fresh;
        }
        struct pm_native_half native = pm_joins_native(&joins, halves->native, halves->natives);
        struct pm_python_half python = python_half(&joins, halves);
        const struct pm_join *joined = pm_joins_stack(&joins, native, python);
        assert_stack(&stacks, joined->stack, halves);
        assert_true(number_of(&joins, joined) > 0 && number_of(&joins, joined) < joins.count);
        if (again && numbers[step % KEPT] != 0)
            assert_int_equal(number_of(&joins, joined), numbers[step % KEPT]);
        if (again)
            numbers[step % KEPT] = number_of(&joins, joined);
    }
    pm_joins_release(&joins);
    pm_stacks_release(&stacks);
}

/* One Python half with more native halves than there are places near it. */
static void test_many_of_one(void **state)
{
    enum { MANY = 20000 };
    struct pm_stacks stacks;
    struct pm_joins joins;
    struct pm_splice_python frame = { .frame = { 7 }, .entry = true };

    (void)state;
    pm_stacks_init(&stacks);
    pm_joins_init(&joins, &stacks, LIMIT, (struct pm_frame_id){ MORE });
    struct pm_python_half python = pm_joins_python(&joins, PM_PYTHON_HALF_EMPTY, &frame);
    for (u32 round = 0; round < 2; round++)
        for (u32 i = 0; i < MANY; i++) {
            struct pm_splice_native native = { { i }, false };
            const struct pm_join *joined =
                pm_joins_stack(&joins, pm_joins_native(&joins, &native, 1), python);
            assert_int_equal(number_of(&joins, joined), i + 1);
            assert_int_equal(pm_stacks_node(&stacks, joined->stack).frame.v, i);
        }
    pm_joins_release(&joins);
    pm_stacks_release(&stacks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_many_of_one),
    };
    return pm_random_verdict(cmocka_run_group_tests(tests, NULL, NULL));
}
