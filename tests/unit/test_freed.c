/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ring of freed blocks, compared with a list of all blocks ever freed, and the order in which
   their memory is released. */
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
    pm_freed_init(&freed, 0, 0, 0);
    assert_null(pm_freed_find(&freed, 0));
    for (int i = 0; i < BLOCKS; i++) {
        freed_blocks[i] = (struct pm_block){
            .address = 4096 + 16 * pm_random_below(&random, 100000),
            .bytes = pm_random_below(&random, 40),
        };
        pm_freed_add(&freed, &freed_blocks[i], (struct pm_stack_id){ (u32)i },
                     (struct pm_stack_id){ (u32)i + 1 }, false);
        assert_int_equal(pm_freed_next(&freed, 0), 0);
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

/* Adds block number i, and takes what need not wait any longer: always the oldest. Returns the
   number of the oldest block that still waits. */
static int add_waiting(struct pm_freed *freed, int i, u64 bytes, int oldest)
{
    u64 address;

    freed_blocks[i] = (struct pm_block){ .address = 4096 + 16 * (u64)i, .bytes = bytes };
    pm_freed_add(freed, &freed_blocks[i], (struct pm_stack_id){ 1 }, PM_STACK_EMPTY,
                 pm_freed_should_wait(freed, bytes));
    while ((address = pm_freed_next(freed, freed->volume_bytes)) != 0) {
        while (!pm_freed_should_wait(freed, freed_blocks[oldest].bytes))
            oldest++;
        assert_int_equal(address, freed_blocks[oldest].address);
        oldest++;
    }
    return oldest;
}

/* Memory waits in turn, up to the volume. What waits is known. */
static void test_waiting(void **state)
{
    enum { VOLUME = 100000, LARGEST = VOLUME / PM_FREED_LARGE_SHARE };
    struct pm_random random = pm_random_start();
    struct pm_freed freed;
    int oldest = 0, longest = 0;

    (void)state;
    pm_freed_init(&freed, VOLUME, 0, 0);
    for (int i = 0; i < BLOCKS; i++) {
        u64 most = pm_random_below(&random, 10) == 0 ? 2 * LARGEST : 200, waiting = 0;
        oldest = add_waiting(&freed, i, 1 + pm_random_below(&random, most), oldest);
        if (pm_random_below(&random, 100) != 0)
            continue;
        for (int k = oldest; k <= i; k++)
            waiting += freed_blocks[k].bytes <= LARGEST ? freed_blocks[k].bytes : 0;
        assert_int_equal(freed.waiting_bytes, waiting);
        assert_in_range(waiting, i < 2000 ? 0 : VOLUME - LARGEST, VOLUME);
        assert_int_equal(pm_freed_find(&freed, freed_blocks[oldest].address)->address,
                         freed_blocks[oldest].address);
        longest = i - oldest > longest ? i - oldest : longest;
    }
    assert_in_range(longest, 100, PM_FREED_BLOCKS);
    while (pm_freed_next(&freed, 0) != 0)
        ;
    assert_int_equal(freed.waiting_bytes, 0);
    pm_freed_release(&freed);
}

/* Blocks of no or few bytes do not overflow the ring, which has as much room as the volume needs. */
static void test_full_ring(void **state)
{
    enum { MOST = 700 };
    static const u64 volumes[] = { 1000000, 1000 * 1000 * 10 };

    (void)state;
    for (size_t v = 0; v < PM_ARRAY_LENGTH(volumes); v++) {
        struct pm_freed freed;
        u64 released = 0, added = 0;
        pm_freed_init(&freed, volumes[v], v == 0 ? 0 : MOST, 0);
        assert_int_equal(freed.capacity & (freed.capacity - 1), 0);
        assert_in_range(freed.capacity, volumes[v] / PM_FREED_MEAN_BYTES, volumes[v]);
        for (; added < 3 * freed.capacity; added++) {
            const struct pm_block block = { .address = 16 * (added + 1), .bytes = added % 3 };
            pm_freed_add(&freed, &block, PM_STACK_EMPTY, PM_STACK_EMPTY, true);
            for (u64 address; (address = pm_freed_next(&freed, freed.volume_bytes)) != 0; released++)
                assert_int_equal(address, 16 * (released + 1));
        }
        assert_int_equal(added - released, v == 0 ? freed.capacity - 1 : MOST);
        pm_freed_release(&freed);
    }
}

/* Small blocks have a limit of their own, and each block is released once. */
static void test_small_blocks(void **state)
{
    enum { MOST = 700, MOST_SMALL = 60, ADDED = 5000 };
    struct pm_random random = pm_random_start();
    struct pm_freed freed;
    int released_at[ADDED];
    u64 address;

    (void)state;
    for (int i = 0; i < ADDED; i++)
        released_at[i] = -1;
    pm_freed_init(&freed, 1000000, MOST, MOST_SMALL);
    for (int i = 0; i < ADDED; i++) {
        freed_blocks[i] = (struct pm_block){
            .address = 4096 + 16 * (u64)i, .bytes = PM_FREED_SMALL_BYTES - 10 + pm_random_below(&random, 20) };
        pm_freed_add(&freed, &freed_blocks[i], (struct pm_stack_id){ 1 }, PM_STACK_EMPTY, true);
        while ((address = pm_freed_next(&freed, freed.volume_bytes)) != 0) {
            const u64 released = (address - 4096) / 16;
            assert_int_equal(released_at[released], -1);
            released_at[released] = i;
        }
    }
    for (int i = 0; i < ADDED - MOST; i++)
        assert_int_equal(released_at[i] - i, freed_blocks[i].bytes <= PM_FREED_SMALL_BYTES ? MOST_SMALL : MOST);
    while (pm_freed_next(&freed, 0) != 0)
        ;
    assert_int_equal(freed.waiting_bytes, 0);
    pm_freed_release(&freed);
}

/* Without a volume nothing waits, and no large block does. */
static void test_not_waiting(void **state)
{
    struct pm_freed freed;

    (void)state;
    pm_freed_init(&freed, 0, 0, 0);
    assert_false(pm_freed_should_wait(&freed, 0));
    pm_freed_release(&freed);
    pm_freed_init(&freed, 1000000, 0, 0);
    assert_true(pm_freed_should_wait(&freed, 0));
    assert_true(pm_freed_should_wait(&freed, 125000));
    assert_false(pm_freed_should_wait(&freed, 125001));
    pm_freed_release(&freed);
    pm_freed_init(&freed, (u64)4 << 30, 0, 0);
    assert_true(pm_freed_should_wait(&freed, PM_FREED_MAX_WAITING_BYTES));
    assert_false(pm_freed_should_wait(&freed, PM_FREED_MAX_WAITING_BYTES + 1));
    pm_freed_release(&freed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_list),
        cmocka_unit_test(test_waiting),
        cmocka_unit_test(test_full_ring),
        cmocka_unit_test(test_small_blocks),
        cmocka_unit_test(test_not_waiting),
    };
    return pm_random_verdict(cmocka_run_group_tests(tests, NULL, NULL));
}
