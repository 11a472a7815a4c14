/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ring of freed blocks, compared with a list of all blocks ever freed. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "heap/pm_freed.h"
#include "pm_random.h"

enum { BLOCKS = 3 * PM_FREED_BLOCKS, LOOKUPS = 2000 };

static struct pm_block freed_blocks[BLOCKS];

static int newest_with(u64 address, int count)
{
    for (int i = count - 1; i >= 0 && i >= count - PM_FREED_BLOCKS; i--) {
        u64 start = freed_blocks[i].address, bytes = freed_blocks[i].bytes;
        if (address == start || (address >= start && address < start + bytes))
            return i;
    }
    return -1;
}

static void test_against_list(void **state)
{
    struct pm_random random = pm_random_start();
    struct pm_freed freed;
    unsigned found = 0;

    (void)state;
    pm_freed_init(&freed);
    assert_null(pm_freed_find(&freed, 0));
    for (int i = 0; i < BLOCKS; i++) {
        freed_blocks[i] = (struct pm_block){
            .address = 4096 + 16 * pm_random_below(&random, 100000),
            .bytes = pm_random_below(&random, 40),
        };
        pm_freed_add(&freed, &freed_blocks[i], (struct pm_stack_id){ (u32)i },
                     (struct pm_stack_id){ (u32)i + 1 });
        if (pm_random_below(&random, BLOCKS / LOOKUPS) != 0)
            continue;
        u64 address = 4096 + pm_random_below(&random, 1700000);
        int expected = newest_with(address, i + 1);
        const struct pm_freed_block *block = pm_freed_find(&freed, address);
        assert_int_equal(block != NULL, expected >= 0);
        if (block != NULL) {
            assert_int_equal(block->allocated.v, expected);
            assert_int_equal(block->freed.v, expected + 1);
            found++;
        }
    }
    assert_in_range(found, LOOKUPS / 50, LOOKUPS);
    pm_freed_release(&freed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_list),
    };
    return pm_random_verdict(cmocka_run_group_tests(tests, NULL, NULL));
}
