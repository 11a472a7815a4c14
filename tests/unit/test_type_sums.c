/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sums by stack and type, against a table of all pairs. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "heap/pm_type_sums.h"
#include "pm_random.h"

enum { STACKS = 40, TYPES = 25, BLOCKS = 20000 };

static void test_against_table(void **state)
{
    static u64 bytes[STACKS][TYPES], blocks[STACKS][TYPES];
    struct pm_random random = pm_random_start();
    struct pm_type_sums sums = { 0 };
    u64 in_use = 0, pairs = 0;

    (void)state;
    /* What was counted before does not count. */
    pm_type_sums_begin(&sums);
    pm_type_sums_add(&sums, &(struct pm_block){ .bytes = 7 }, (struct pm_stack_id){ 1 }, (struct pm_string_id){ 1 });
    pm_type_sums_sort(&sums);
    pm_type_sums_begin(&sums);
    for (u32 i = 0; i < BLOCKS; i++) {
        const u32 stack = (u32)pm_random_below(&random, STACKS), type = (u32)pm_random_below(&random, TYPES - stack % 5);
        const struct pm_block block = { .bytes = 64 + pm_random_below(&random, 1000), .padding_units = pm_random_below(&random, 4) };
        pm_type_sums_add(&sums, &block, (struct pm_stack_id){ stack }, (struct pm_string_id){ type });
        bytes[stack][type] += pm_block_requested_bytes(&block);
        blocks[stack][type]++;
        in_use += block.bytes;
    }
    pm_type_sums_sort(&sums);
    assert_true(sums.counted);
    assert_int_equal(sums.in_use_bytes, in_use);
    assert_int_equal(sums.in_use_blocks, BLOCKS);
    for (u32 stack = 0; stack < STACKS; stack++) {
        for (u32 type = 0; type < TYPES; type++) {
            if (blocks[stack][type] == 0)
                continue;
            assert_true(pairs < sums.count);
            assert_int_equal(sums.entries[pairs].stack.v, stack);
            assert_int_equal(sums.entries[pairs].type.v, type);
            assert_int_equal(sums.entries[pairs].bytes, bytes[stack][type]);
            assert_int_equal(sums.entries[pairs].blocks, blocks[stack][type]);
            pairs++;
        }
    }
    assert_int_equal(pairs, sums.count);
    pm_type_sums_release(&sums);
    assert_false(sums.counted);
}

static void test_nothing(void **state)
{
    struct pm_type_sums sums = { 0 };

    (void)state;
    pm_type_sums_release(&sums);
    pm_type_sums_begin(&sums);
    pm_type_sums_sort(&sums);
    assert_true(sums.counted);
    assert_int_equal(sums.count, 0);
    pm_type_sums_release(&sums);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_table),
        cmocka_unit_test(test_nothing),
    };
    return pm_random_verdict(cmocka_run_group_tests(tests, NULL, NULL));
}
