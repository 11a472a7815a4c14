/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ranks against counting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/pm_ranks.h"
#include "pm_random.h"

static void check(struct pm_random *random, u32 limit, u32 one_in)
{
    static bool members[5000];
    struct pm_ranks ranks;
    u32 smaller = 0;

    pm_ranks_init(&ranks, limit);
    for (u32 i = 0; i < limit; i++) {
        members[i] = pm_random_below(random, one_in) == 0;
        if (members[i])
            pm_ranks_set(&ranks, i);
    }
    pm_ranks_finish(&ranks, limit);
    for (u32 i = 0; i < limit; i++) {
        assert_int_equal(pm_ranks_has(&ranks, i), members[i]);
        assert_int_equal(pm_ranks_rank(&ranks, i), smaller);
        smaller += members[i];
    }
    assert_int_equal(ranks.count, smaller);
    pm_ranks_release(&ranks);
}

static void test_ranks(void **state)
{
    struct pm_random random = pm_random_start();

    (void)state;
    for (u32 i = 0; i < 200; i++)
        check(&random, (u32)pm_random_below(&random, 5000), 1 + (u32)pm_random_below(&random, 200));
    check(&random, 0, 1);
    check(&random, 64, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_ranks) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
