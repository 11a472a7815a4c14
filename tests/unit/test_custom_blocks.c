/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "heap/pm_custom_blocks.h"

static struct pm_block block_at(u64 address, u64 bytes, enum pm_block_origin origin)
{
    return (struct pm_block){ .address = address, .bytes = bytes, .origin = origin, .serial = 1 };
}

static void insert(struct pm_custom_blocks *custom, u64 pool, u64 address, u64 bytes)
{
    const struct pm_block block = block_at(address, bytes, PM_BLOCK_CUSTOM);
    pm_custom_pool_insert(custom, pm_custom_pool_at(custom, pool), &block);
}

struct sums {
    u64 blocks, bytes;
};

static void add_up(void *context, struct pm_block *block)
{
    struct sums *sums = context;
    sums->blocks++;
    sums->bytes += block->bytes;
}

static void add_gone(void *context, const struct pm_block *block)
{
    struct sums *sums = context;
    sums->blocks++;
    sums->bytes += block->bytes;
}

static struct sums sums_of(const struct pm_custom_blocks *custom)
{
    struct sums sums = { 0 };
    pm_custom_blocks_each(custom, add_up, &sums);
    assert_int_equal(sums.blocks, custom->live);
    return sums;
}

static void test_pools_are_apart(void **state)
{
    struct pm_custom_blocks custom;
    struct pm_block removed;

    (void)state;
    pm_custom_blocks_init(&custom);
    pm_custom_pool_create(&custom, 100, false);
    pm_custom_pool_create(&custom, 200, true);
    insert(&custom, 100, 5000, 10);
    insert(&custom, 200, 5000, 20);
    insert(&custom, PM_CUSTOM_MALLOCLIKE, 5000, 40);
    insert(&custom, 100, 5000, 11);         /* in place of the first */
    assert_int_equal(sums_of(&custom).bytes, 71);
    assert_true(pm_custom_pool_at(&custom, 200)->auto_free);
    assert_null(pm_custom_pool_at(&custom, 300));
    assert_true(pm_custom_pool_move(&custom, 100, 300));
    assert_false(pm_custom_pool_move(&custom, 100, 300));
    assert_int_equal(pm_custom_pool_find(&custom, pm_custom_pool_at(&custom, 300), 5000)->bytes, 11);
    assert_true(pm_custom_pool_remove(&custom, pm_custom_pool_at(&custom, 200), 5000, &removed));
    assert_int_equal(removed.bytes, 20);
    assert_false(pm_custom_pool_remove(&custom, pm_custom_pool_at(&custom, 200), 5000, &removed));
    assert_true(pm_custom_pool_destroy(&custom, 300));
    assert_false(pm_custom_pool_destroy(&custom, 300));
    assert_int_equal(sums_of(&custom).bytes, 40);
    pm_custom_blocks_release(&custom);
}

static void test_numbers_are_used_again(void **state)
{
    struct pm_custom_blocks custom;
    struct pm_block removed;

    (void)state;
    pm_custom_blocks_init(&custom);
    for (int round = 0; round < 50; round++) {
        pm_custom_pool_create(&custom, 1000 + (u64)round % 3, false);
        for (u64 i = 0; i < 100; i++)
            insert(&custom, 1000 + (u64)round % 3, 16 * i + 16, i);
        for (u64 i = 0; i < 100; i += 2)
            assert_true(pm_custom_pool_remove(&custom, pm_custom_pool_at(&custom, 1000 + (u64)round % 3), 16 * i + 16,
                                              &removed));
    }
    assert_int_equal(sums_of(&custom).blocks, 3 * 50);
    assert_true(custom.block_count <= 300 && custom.pool_count == 4);
    pm_custom_blocks_release(&custom);
}

static void test_trim_and_clear(void **state)
{
    struct pm_custom_blocks custom;
    struct sums gone = { 0 };

    (void)state;
    pm_custom_blocks_init(&custom);
    pm_custom_pool_create(&custom, 7, false);
    for (u64 i = 0; i < 10; i++)
        insert(&custom, 7, 1000 + 100 * i, 50);
    pm_custom_pool_trim(&custom, pm_custom_pool_at(&custom, 7), 1230, 500, add_gone, &gone);   /* to 1730 */
    assert_int_equal(gone.blocks, 2 + 2);   /* at 1000, 1100, 1800, 1900 */
    assert_int_equal(sums_of(&custom).bytes, 20 + 4 * 50 + 30);
    assert_int_equal(pm_custom_pool_find(&custom, pm_custom_pool_at(&custom, 7), 1230)->bytes, 20);
    assert_null(pm_custom_pool_find(&custom, pm_custom_pool_at(&custom, 7), 1200));
    gone = (struct sums){ 0 };
    pm_custom_pool_clear(&custom, pm_custom_pool_at(&custom, 7), 1300, 150, add_gone, &gone);
    assert_int_equal(gone.blocks, 2);
    assert_int_equal(sums_of(&custom).blocks, 4);
    pm_custom_blocks_release(&custom);
}

static void test_overlaps(void **state)
{
    struct pm_block blocks[] = {
        block_at(100, 50, PM_BLOCK_MALLOC), block_at(110, 10, PM_BLOCK_CUSTOM), block_at(130, 20, PM_BLOCK_CUSTOM),
        block_at(200, 50, PM_BLOCK_MALLOC), block_at(200, 20, PM_BLOCK_CUSTOM),
        block_at(300, 20, PM_BLOCK_CUSTOM), block_at(300, 90, PM_BLOCK_MALLOC),
        block_at(400, 90, PM_BLOCK_CUSTOM), block_at(410, 10, PM_BLOCK_CUSTOM), block_at(480, 10, PM_BLOCK_CUSTOM),
        block_at(500, 0, PM_BLOCK_MALLOC), block_at(501, 5, PM_BLOCK_NEW),
        block_at(600, 10, PM_BLOCK_CUSTOM), block_at(605, 10, PM_BLOCK_CUSTOM),
    };
    const u64 kept[] = { 110, 130, 200, 300, 410, 480, 500, 501, 600 };
    const u32 count = pm_custom_blocks_resolve(blocks, sizeof blocks / sizeof *blocks);

    (void)state;
    assert_int_equal(count, sizeof kept / sizeof *kept);
    for (u32 i = 0; i < count; i++)
        assert_int_equal(blocks[i].address, kept[i]);
    assert_int_equal(blocks[2].bytes, 20);
    assert_int_equal(blocks[3].bytes, 20);
    assert_int_equal(pm_custom_blocks_resolve(blocks, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pools_are_apart),
        cmocka_unit_test(test_numbers_are_used_again),
        cmocka_unit_test(test_trim_and_clear),
        cmocka_unit_test(test_overlaps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
