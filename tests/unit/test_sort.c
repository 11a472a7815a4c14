/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stable sorts against qsort with the old places as the last criterion. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "base/pm_sort.h"
#include "pm_random.h"

struct keyed_item {
    u32 item;
    u32 key;
    size_t place;
};

struct order {
    const u32 *keys;        /* of each item */
    u64 *compares;
};

static int by_key(const void *context, u32 a, u32 b)
{
    const struct order *order = context;

    ++*order->compares;
    return order->keys[a] < order->keys[b] ? -1 : order->keys[a] > order->keys[b];
}

static int by_key_and_place(const void *x, const void *y)
{
    const struct keyed_item *a = x, *b = y;

    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return a->place < b->place ? -1 : a->place > b->place;
}

static void shuffle(struct pm_random *random, u32 *items, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = pm_random_below(random, i);
        u32 item = items[j];
        items[j] = items[i - 1];
        items[i - 1] = item;
    }
}

static void check(struct pm_random *random, size_t count, u64 distinct)
{
    /* Of the exact size, so that a step outside is seen. */
    u32 *items = malloc(count * sizeof *items), *keys = malloc(count * sizeof *keys);
    struct keyed_item *expected = malloc(count * sizeof *expected);
    u64 compares = 0, rounds = 0;

    for (size_t i = 0; i < count; i++) {
        items[i] = (u32)i;
        keys[i] = (u32)pm_random_below(random, distinct);
    }
    shuffle(random, items, count);
    for (size_t i = 0; i < count; i++)
        expected[i] = (struct keyed_item){ items[i], keys[items[i]], i };
    qsort(expected, count, sizeof *expected, by_key_and_place);
    pm_sort_u32(items, count, by_key, &(struct order){ keys, &compares });
    for (size_t i = 0; i < count; i++)
        assert_int_equal(items[i], expected[i].item);
    while (((size_t)1 << rounds) < count)
        rounds++;
    assert_true(compares <= count * rounds);
    free(expected);
    free(keys);
    free(items);
}

static void test_every_small_count(void **state)
{
    struct pm_random random = pm_random_start();

    (void)state;
    for (size_t count = 1; count < 300; count++) {
        check(&random, count, 1);
        check(&random, count, 3);
        check(&random, count, UINT32_MAX);
    }
}

static void test_large_counts(void **state)
{
    struct pm_random random = pm_random_start();

    (void)state;
    check(&random, 65536, 1000);
    check(&random, 65537, UINT32_MAX);
    check(&random, 100000, 7);
}

/* Keys that differ only within the bits of mask. */
static void check_keyed(struct pm_random *random, size_t count, u64 mask)
{
    struct pm_keyed *items = malloc(count * sizeof *items), *before = malloc(count * sizeof *before);
    bool *seen = calloc(count, sizeof *seen);
    u64 rest = pm_random_u64(random) & ~mask;

    for (size_t i = 0; i < count; i++)
        before[i] = items[i] = (struct pm_keyed){ rest | (pm_random_u64(random) & mask), (u32)i };
    pm_sort_keyed(items, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(items[i].key, before[items[i].item].key);
        assert_false(seen[items[i].item]);
        seen[items[i].item] = true;
        assert_true(i == 0 || items[i - 1].key < items[i].key
                    || (items[i - 1].key == items[i].key && items[i - 1].item < items[i].item));
    }
    free(seen);
    free(before);
    free(items);
}

static void test_keyed(void **state)
{
    struct pm_random random = pm_random_start();

    (void)state;
    pm_sort_keyed(NULL, 0);
    for (size_t count = 1; count < 200; count++) {
        check_keyed(&random, count, 0);
        check_keyed(&random, count, 0xff);
        check_keyed(&random, count, UINT64_MAX);
        check_keyed(&random, count, (u64)1 << 63);
        check_keyed(&random, count, pm_random_u64(&random));
    }
    check_keyed(&random, 50000, 0x7ffffff0);
}

static void test_nothing(void **state)
{
    u64 compares = 0;

    (void)state;
    pm_sort_u32(NULL, 0, by_key, &(struct order){ NULL, &compares });
    assert_int_equal(compares, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_small_count),
        cmocka_unit_test(test_large_counts),
        cmocka_unit_test(test_keyed),
        cmocka_unit_test(test_nothing),
    };
    return pm_random_verdict(cmocka_run_group_tests(tests, NULL, NULL));
}
