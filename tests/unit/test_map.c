/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hash map against a plain array: a test knows its keys beforehand, and the model has for each key
   whether it is in the map and with which value. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "base/pm_map.h"
#include "pm_random.h"

struct modelled_key {
    u64 key, value;
    bool there;
};

static void check_all(const struct pm_map *map, const struct modelled_key *keys, size_t count)
{
    size_t there = 0;

    for (size_t i = 0; i < count; i++) {
        const u64 *value = pm_map_get(map, keys[i].key);
        assert_int_equal(value != NULL, keys[i].there);
        if (value != NULL)
            assert_int_equal(*value, keys[i].value);
        there += keys[i].there;
    }
    assert_int_equal(map->count, there);
    assert_true(map->count * 4 <= (map->mask + 1) * 3);
}

/* Fills and drains the map in turn, so that each load occurs often. */
static void run(struct pm_random *random, struct modelled_key *keys, size_t count, int steps)
{
    struct pm_map map;

    pm_map_init(&map);
    for (int step = 0; step < steps; step++) {
        struct modelled_key *key = &keys[pm_random_below(random, count)];
        bool filling = (size_t)step / (2 * count) % 2 == 0;
        if (pm_random_below(random, 4) < (filling ? 3 : 1)) {
            key->value = pm_random_u64(random);
            key->there = true;
            pm_map_put(&map, key->key, key->value);
        } else {
            assert_int_equal(pm_map_remove(&map, key->key), key->there);
            key->there = false;
        }
        const u64 *value = pm_map_get(&map, key->key);
        assert_int_equal(value != NULL, key->there);
        if (value != NULL)
            assert_int_equal(*value, key->value);
        if ((size_t)step % (count / 2) == 0)
            check_all(&map, keys, count);
        if (pm_random_below(random, 20 * count) == 0) {
            pm_map_clear(&map);
            for (size_t i = 0; i < count; i++)
                keys[i].there = false;
        }
    }
    check_all(&map, keys, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(pm_map_remove(&map, keys[i].key), keys[i].there);
        keys[i].there = false;
    }
    check_all(&map, keys, count);
    for (u64 cell = 0; cell <= map.mask; cell++)
        assert_int_equal(map.entries[cell].value, PM_MAP_EMPTY);
    pm_map_release(&map);
}

static void test_random_keys(void **state)
{
    enum { KEYS = 3000 };
    struct pm_random random = pm_random_start();
    struct modelled_key *keys = calloc(KEYS, sizeof *keys);

    (void)state;
    for (size_t i = 0; i < KEYS; i++)
        keys[i].key = i < KEYS / 3 ? i : i < 2 * KEYS / 3 ? ~(u64)i : (u64)i << 48;
    run(&random, keys, KEYS, 400000);
    free(keys);
}

/* Keys whose home cells are the last few of any table (and, after the end, the first few): long runs
   across the end, where removal has most to shift. */
static void test_keys_at_the_end(void **state)
{
    enum { KEYS = 300, PLACES = 8, CELLS = 1024 };
    struct pm_random random = pm_random_start();
    struct modelled_key *keys = calloc(KEYS, sizeof *keys);

    (void)state;
    for (size_t i = 0; i < KEYS;) {
        u64 key = pm_random_u64(&random);
        if ((pm_hash_u64(key) + PLACES / 2) % CELLS < PLACES)
            keys[i++].key = key;
    }
    run(&random, keys, KEYS, 200000);
    free(keys);
}

static void test_extreme_keys(void **state)
{
    static const u64 keys[] = { 0, ~(u64)0, 1, (u64)1 << 63, UINT32_MAX };
    struct pm_map map;

    (void)state;
    pm_map_init(&map);
    for (size_t i = 0; i < PM_ARRAY_LENGTH(keys); i++) {
        assert_null(pm_map_get(&map, keys[i]));
        assert_false(pm_map_remove(&map, keys[i]));
        pm_map_put(&map, keys[i], keys[i] / 2);
        pm_map_put(&map, keys[i], keys[i] + 1);
        assert_int_equal(map.count, i + 1);
    }
    for (size_t i = 0; i < PM_ARRAY_LENGTH(keys); i++) {
        assert_int_equal(*pm_map_get(&map, keys[i]), keys[i] + 1);
        assert_true(pm_map_remove(&map, keys[i]));
        assert_false(pm_map_remove(&map, keys[i]));
    }
    assert_int_equal(map.count, 0);
    pm_map_release(&map);
}

/* A value can be changed in place, and putting an old key never grows the map. */
static void test_in_place(void **state)
{
    struct pm_map map;

    (void)state;
    pm_map_init(&map);
    for (u64 key = 0; key < 12; key++)
        pm_map_put(&map, key, key);
    u64 mask = map.mask;
    for (int i = 0; i < 100; i++)
        pm_map_put(&map, 7, (u64)i);
    assert_int_equal(map.mask, mask);
    *pm_map_get(&map, 7) = 4711;
    assert_int_equal(*pm_map_get(&map, 7), 4711);
    pm_map_release(&map);
}

/* The hash is one to one: no two of many keys share a hash. And every bit of the key influences the low
   bits, which select the cell. */
static void test_hash(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 64; bit++)
        for (unsigned other = 0; other < bit; other++)
            assert_true(pm_hash_u64((u64)1 << bit) != pm_hash_u64((u64)1 << other));
    for (unsigned shift = 0; shift < 56; shift++) {
        bool seen[256] = { false };
        unsigned places = 0;
        for (u64 i = 0; i < 256; i++) {
            u8 place = (u8)pm_hash_u64(i << shift);
            places += !seen[place];
            seen[place] = true;
        }
        /* 162 of 256 are expected of a random function, and 129 at least with
           all but certainty. */
        assert_in_range(places, 129, 256);
    }
}

/* The cells near all items can be one full run, here half of the table: a few tries leave it. And every
   cell is tried in the end. */
static void test_near_cells(void **state)
{
    enum { CELLS = 1 << 16, HASHES = 10000 };
    static bool tried[CELLS];
    u64 all_tries = 0;

    (void)state;
    for (u64 i = 0; i < HASHES; i++) {
        u32 tries = 0;
        while (pm_near_cell(4711, pm_hash_u64(i), tries, CELLS - 1) < CELLS / 2)
            tries++;
        all_tries += tries;
    }
    /* Eight near ones, and of others one is expected. */
    assert_in_range(all_tries, 8 * HASHES, 10 * HASHES);
    for (u32 tries = 0; tries < CELLS + 8; tries++)
        tried[pm_near_cell(4711, pm_hash_u64(5), tries, CELLS - 1)] = true;
    for (u32 cell = 0; cell < CELLS; cell++)
        assert_true(tried[cell]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_keys),
        cmocka_unit_test(test_keys_at_the_end),
        cmocka_unit_test(test_extreme_keys),
        cmocka_unit_test(test_in_place),
        cmocka_unit_test(test_hash),
        cmocka_unit_test(test_near_cells),
    };
    return pm_random_verdict(cmocka_run_group_tests(tests, NULL, NULL));
}
