/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ranges against an array that says of each address which range it is in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/pm_ranges.h"
#include "pm_random.h"

enum { ADDRESSES = 64, ROUNDS = 4000 };

/* Which range, by the number of its addition, or 0. */
static u32 owners[ADDRESSES];

static void compare(const struct pm_ranges *ranges)
{
    for (u32 at = 0; at < ADDRESSES; at++) {
        const struct pm_range *range = pm_ranges_at(ranges, at);
        u64 start = at, end = at + 1;

        assert_int_equal(range != NULL, owners[at] != 0);
        if (range == NULL)
            continue;
        while (start > 0 && owners[start - 1] == owners[at])
            start--;
        while (end < ADDRESSES && owners[end] == owners[at])
            end++;
        assert_int_equal(range->start, start);
        assert_int_equal(range->end, end);
    }
}

static bool is_owned(u64 start, u64 bytes)
{
    for (u64 at = start; at < start + bytes; at++)
        if (owners[at] != 0)
            return true;
    return false;
}

static void test_random(void **state)
{
    struct pm_ranges ranges = { 0 };
    struct pm_random random = pm_random_start();
    u32 number = 0;

    (void)state;
    memset(owners, 0, sizeof owners);
    for (u32 round = 0; round < ROUNDS; round++) {
        u64 start = pm_random_below(&random, ADDRESSES);
        u64 bytes = pm_random_below(&random, ADDRESSES - start + 1);
        bool add = pm_random_below(&random, 2) != 0;

        assert_int_equal(pm_ranges_overlap(&ranges, start, bytes), is_owned(start, bytes));
        if (add)
            pm_ranges_add(&ranges, start, bytes);
        else
            pm_ranges_remove(&ranges, start, bytes);
        number++;
        for (u64 at = start; at < start + bytes; at++)
            owners[at] = add ? number : 0;
        compare(&ranges);
    }
    pm_ranges_release(&ranges);
}

static void test_ends(void **state)
{
    struct pm_ranges ranges = { 0 };

    (void)state;
    assert_null(pm_ranges_at(&ranges, 0));
    pm_ranges_remove(&ranges, 0, 100);
    pm_ranges_add(&ranges, ~(u64)0 - 10, 100);      /* wraps round */
    assert_int_equal(ranges.count, 0);
    pm_ranges_add(&ranges, 4096, 4096);
    pm_ranges_add(&ranges, 8192, 4096);             /* stays apart */
    assert_int_equal(ranges.count, 2);
    assert_int_equal(pm_ranges_at(&ranges, 8191)->start, 4096);
    assert_int_equal(pm_ranges_at(&ranges, 8192)->start, 8192);
    assert_null(pm_ranges_at(&ranges, 12288));
    assert_false(pm_ranges_overlap(&ranges, 8191, 0));
    assert_false(pm_ranges_overlap(&ranges, 8191, ~(u64)0));    /* wraps round */
    pm_ranges_remove(&ranges, 0, ~(u64)0);
    assert_int_equal(ranges.count, 0);
    pm_ranges_release(&ranges);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random), cmocka_unit_test(test_ends),
    };
    return pm_random_verdict(cmocka_run_group_tests(tests, NULL, NULL));
}
