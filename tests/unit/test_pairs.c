/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pairs against pm_splice itself: the stack of two parts, with the Python part cut at the limit, has the
   frames that the splice gives, and equal stacks have equal numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "base/pm_platform.h"
#include "heap/pm_pairs.h"
#include "pm_random.h"

enum { MOST = 12, DISTINCT = 3, LIMIT = 8, MORE = 1000 };

struct parts {
    struct pm_splice_native native[MOST];
    struct pm_splice_python python[MOST];
    size_t natives, pythons;
};

static void make_halves(struct pm_random *random, struct parts *parts)
{
    parts->natives = pm_random_below(random, MOST + 1);
    parts->pythons = pm_random_below(random, MOST + 1);
    for (size_t i = 0; i < parts->natives; i++)
        parts->native[i] = (struct pm_splice_native){
            { (u32)pm_random_below(random, DISTINCT) }, pm_random_below(random, 4) == 0,
        };
    for (size_t i = 0; i < parts->pythons; i++)
        parts->python[i] = (struct pm_splice_python){
            .frame = { INT32_MAX - 1 - (u32)pm_random_below(random, DISTINCT) },
            .empty_entries = pm_random_below(random, 5) ? 0 : (u32)pm_random_below(random, 3),
            .entry = pm_random_below(random, 3) == 0,
        };
}

static struct pm_python_part python_part(struct pm_pairs *pairs, const struct parts *parts)
{
    struct pm_python_part part = PM_PYTHON_PART_EMPTY;

    for (size_t i = parts->pythons; i-- > 0;)
        part = pm_pairs_python(pairs, part, &parts->python[i]);
    return part;
}

static void assert_stack(const struct pm_stacks *stacks, struct pm_stack_id id,
                         const struct parts *parts)
{
    struct parts cut = *parts;
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

static u32 number_of(const struct pm_pairs *pairs, const struct pm_pair *pair)
{
    return (u32)(pair - pairs->all);
}

/* Many random parts, and some of them again and again in the same order, so that the expected pair is
   usually right, and sometimes wrong. */
static void test_random(void **state)
{
    enum { KEPT = 50 };
    static struct parts kept[KEPT];
    struct pm_random random = pm_random_start();
    struct pm_stacks stacks;
    struct pm_pairs pairs;
    struct parts fresh;
    u32 numbers[KEPT] = { 0 };

    (void)state;
    pm_stacks_init(&stacks);
    pm_pairs_init(&pairs, &stacks, LIMIT, (struct pm_frame_id){ MORE });
    for (size_t i = 0; i < KEPT; i++)
        make_halves(&random, &kept[i]);
    for (size_t step = 0; step < 30000; step++) {
        const struct parts *parts = &kept[step % KEPT];
        bool again = pm_random_below(&random, 4) != 0;
        if (!again) {
            make_halves(&random, &fresh);
            parts = &fresh;
        }
        struct pm_native_part native = pm_pairs_native(&pairs, parts->native, parts->natives);
        struct pm_python_part python = python_part(&pairs, parts);
        const struct pm_pair *mixed = pm_pairs_stack(&pairs, native, python);
        assert_stack(&stacks, mixed->stack, parts);
        assert_true(number_of(&pairs, mixed) > 0 && number_of(&pairs, mixed) < pairs.count);
        if (again && numbers[step % KEPT] != 0)
            assert_int_equal(number_of(&pairs, mixed), numbers[step % KEPT]);
        if (again)
            numbers[step % KEPT] = number_of(&pairs, mixed);
    }
    pm_pairs_release(&pairs);
    pm_stacks_release(&stacks);
}

/* One Python part with more native parts than there are cells near it. */
static void test_many_of_one(void **state)
{
    enum { MANY = 20000 };
    struct pm_stacks stacks;
    struct pm_pairs pairs;
    struct pm_splice_python frame = { .frame = { 7 }, .entry = true };

    (void)state;
    pm_stacks_init(&stacks);
    pm_pairs_init(&pairs, &stacks, LIMIT, (struct pm_frame_id){ MORE });
    struct pm_python_part python = pm_pairs_python(&pairs, PM_PYTHON_PART_EMPTY, &frame);
    for (u32 round = 0; round < 2; round++)
        for (u32 i = 0; i < MANY; i++) {
            struct pm_splice_native native = { { i }, false };
            const struct pm_pair *mixed =
                pm_pairs_stack(&pairs, pm_pairs_native(&pairs, &native, 1), python);
            assert_int_equal(number_of(&pairs, mixed), i + 1);
            assert_int_equal(pm_stacks_node(&stacks, mixed->stack).frame.v, i);
        }
    pm_pairs_release(&pairs);
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
