/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arrays that grow, against an array that is large enough. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/pm_grow.h"
#include "base/pm_platform.h"
#include "pm_random.h"

enum { NUMBERS = 3000 };

struct element {
    u64 value;
    u8 more;
};

/* Numbers come in any order, often again: what was written stays, the rest is zero. */
static void test_any_order(void **state)
{
    struct pm_random random = pm_random_start();

    (void)state;
    for (u32 round = 0; round < 30; round++) {
        static struct element model[NUMBERS * 2];
        struct element *array = NULL;
        u32 capacity = 0;

        pm_zero(model, sizeof model);
        for (u32 i = 0; i < 200; i++) {
            const u32 number = (u32)pm_random_below(&random, 1 + pm_random_below(&random, NUMBERS));
            array = pm_grow_to("test", array, &capacity, number, sizeof *array);
            assert_true(number < capacity && capacity < NUMBERS * 2);
            model[number] = array[number] = (struct element){ .value = ~(u64)i, .more = (u8)i };
        }
        for (u32 i = 0; i < capacity; i++) {
            assert_int_equal(array[i].value, model[i].value);
            assert_int_equal(array[i].more, model[i].more);
        }
        pm_free(array);
    }
}

/* Numbers in order move the array rarely; a known number does not. */
static void test_moves_rarely(void **state)
{
    u32 *array = NULL, capacity = 0, moves = 0;

    (void)state;
    for (u32 i = 0; i < 1000 * 1000; i++) {
        const u32 before = capacity;
        array = pm_grow_to("test", array, &capacity, i, sizeof *array);
        moves += capacity != before;
        array[i] = i;
    }
    assert_in_range(moves, 1, 40);
    const u32 before = capacity;
    assert_ptr_equal(pm_grow_to("test", array, &capacity, before - 1, sizeof *array), array);
    assert_int_equal(capacity, before);
    pm_free(array);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_any_order), cmocka_unit_test(test_moves_rarely) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
