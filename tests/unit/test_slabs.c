/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Slabs against a list of live blocks. Each block is filled with a byte of its own, which must still be
   there when it is freed: then no two blocks share memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "heap/pm_blocks.h"
#include "pm_random.h"

enum { MAX_REGIONS = 512, MAX_LIVE = 60000, MAX_RETIRED = 1000, MAX_HELD = 300 };

struct owner {
    void *regions[MAX_REGIONS];
    size_t count, limit;
};

struct live {
    u64 address, bytes, serial;
};

struct slab_model {
    struct pm_random random;
    struct pm_blocks blocks;
    struct owner owner;
    struct live *live;
    size_t count;
    struct live retired[MAX_RETIRED];
    u64 retired_count;
    bool retires, holds;
    u64 held[MAX_HELD];                 /* addresses in slots that are held back */
    size_t held_count;
    u64 serial;
};

static u64 get_region(void *context, u64 alignment, u64 bytes)
{
    struct owner *owner = context;

    if (owner->count == owner->limit)
        return 0;
    void *region = aligned_alloc(alignment, bytes);
    assert_non_null(region);
    memset(region, 0xa5, bytes);
    owner->regions[owner->count++] = region;
    return (u64)region;
}

static struct slab_model *model_new(size_t regions)
{
    struct slab_model *model = calloc(1, sizeof *model);

    model->random = pm_random_start();
    model->owner.limit = regions;
    model->live = calloc(MAX_LIVE, sizeof *model->live);
    pm_blocks_init(&model->blocks);
    pm_slabs_init(&model->blocks.slabs, get_region, &model->owner);
    return model;
}

static void model_free(struct slab_model *model)
{
    pm_blocks_release(&model->blocks);
    for (size_t i = 0; i < model->owner.count; i++)
        free(model->owner.regions[i]);
    free(model->live);
    free(model);
}

/* False if there was no memory. */
static bool add(struct slab_model *model, u64 bytes)
{
    u64 address = pm_blocks_allocate(&model->blocks, bytes);
    struct pm_block block = { .address = address, .bytes = bytes, .serial = ++model->serial };

    if (address == 0)
        return false;
    assert_int_equal(address % PM_SLAB_GRAIN, 0);
    assert_null(pm_blocks_find(&model->blocks, address));
    pm_blocks_insert(&model->blocks, &block);
    assert_true(pm_blocks_slab_bytes(&model->blocks, address) >= bytes);
    for (size_t i = 0; i < model->held_count; i++)
        assert_true(model->held[i] - address >= pm_blocks_slab_bytes(&model->blocks, address));
    memset((void *)address, (int)(block.serial & 0xff), bytes);
    assert_true(model->count < MAX_LIVE);
    model->live[model->count++] = (struct live){ address, bytes, block.serial };
    return true;
}

/* Every third block is retired, and its memory is freed later: until then it does not change. */
static void retire(struct slab_model *model, struct live live)
{
    struct live *oldest = &model->retired[model->retired_count++ % MAX_RETIRED];

    pm_blocks_retire_found(&model->blocks, pm_blocks_find(&model->blocks, live.address));
    assert_null(pm_blocks_find(&model->blocks, live.address));
    if (oldest->address != 0) {
        for (u64 at = 0; at < oldest->bytes; at++)
            assert_int_equal(((const u8 *)oldest->address)[at], oldest->serial & 0xff);
        assert_true(pm_blocks_free_retired(&model->blocks, oldest->address));
    }
    *oldest = live;
}

/* Holds back a slot that was freed or retired; MAX_HELD slots, then none. */
static void hold_back(struct slab_model *model, struct live live)
{
    struct pm_slabs *slabs = &model->blocks.slabs;
    const u64 address = live.address + pm_random_below(&model->random, live.bytes + 1), before = slabs->held.count;

    if (model->held_count == MAX_HELD) {
        pm_slabs_hold_back_none(slabs);
        assert_int_equal(slabs->held.count + slabs->held_bytes, 0);
        model->held_count = 0;
        return;
    }
    pm_slabs_hold_back(slabs, address);
    /* A chunk whose last block it was has no slots now. */
    if (slabs->held.count > before)
        model->held[model->held_count++] = address;
    pm_slabs_hold_back(slabs, address);
    assert_int_equal(slabs->held.count, model->held_count);
    if (model->count > 0) {         /* live blocks are not */
        pm_slabs_hold_back(slabs, model->live[0].address);
        assert_int_equal(slabs->held.count, model->held_count);
    }
}

static void drop(struct slab_model *model, size_t i)
{
    struct live live = model->live[i];
    struct pm_block removed;

    for (u64 at = 0; at < live.bytes; at++)
        assert_int_equal(((const u8 *)live.address)[at], live.serial & 0xff);
    /* Neither what is inside it nor what lies in its neighbours' way is a block. */
    assert_null(pm_blocks_find(&model->blocks, live.address + 8));
    assert_null(pm_blocks_find(&model->blocks, live.address - 1));
    if (model->retires && live.serial % 3 == 0) {
        retire(model, live);
        model->live[i] = model->live[--model->count];
        if (model->holds && live.serial % 7 == 0)
            hold_back(model, live);
        return;
    }
    assert_true(pm_blocks_remove(&model->blocks, live.address, &removed));
    assert_int_equal(removed.address, live.address);
    assert_int_equal(removed.bytes, live.bytes);
    assert_int_equal(removed.serial, live.serial);
    assert_false(pm_blocks_remove(&model->blocks, live.address, &removed));
    model->live[i] = model->live[--model->count];
    if (model->holds && live.serial % 7 == 0)
        hold_back(model, live);
}

static void sum_serials(void *context, struct pm_block *block)
{
    u64 *sums = context;
    sums[0]++;
    sums[1] += block->serial;
}

static void check_all(const struct slab_model *model)
{
    u64 sums[2] = { 0, 0 }, serials = 0;

    assert_int_equal(model->blocks.count, model->count);
    for (size_t i = 0; i < model->count; i++) {
        const struct pm_block *found = pm_blocks_find(&model->blocks, model->live[i].address);
        assert_non_null(found);
        assert_int_equal(found->serial, model->live[i].serial);
        serials += found->serial;
    }
    pm_blocks_each(&model->blocks, sum_serials, sums);
    assert_int_equal(sums[0], model->count);
    assert_int_equal(sums[1], serials);
}

static void work_at_random(bool holds)
{
    struct slab_model *model = model_new(MAX_REGIONS);

    model->retires = true;
    model->holds = holds;
    for (int step = 0; step < 200000; step++) {
        bool filling = step / 40000 % 2 == 0;
        u64 most = pm_random_below(&model->random, 4) == 0 ? PM_SLAB_MAX_BYTES : 300;
        if (pm_random_below(&model->random, 10) < (filling ? 6 : 3) || model->count == 0)
            assert_true(add(model, pm_random_below(&model->random, most + 1)));
        else
            drop(model, pm_random_below(&model->random, model->count));
        if (step % 20000 == 0)
            check_all(model);
    }
    check_all(model);
    while (model->count > 0)
        drop(model, model->count - 1);
    check_all(model);
    model_free(model);
}

static void test_random_sizes(void **state)
{
    (void)state;
    work_at_random(false);
}

/* Nobody gets a slot that is held back. */
static void test_held_back(void **state)
{
    (void)state;
    work_at_random(true);
}

/* No more than the limits allow; then all of it is used again. */
static void test_most_held_back(void **state)
{
    (void)state;
    for (u64 bytes = 16; bytes <= 4096; bytes *= 256) {
        struct slab_model *model = model_new(MAX_REGIONS);
        struct pm_slabs *slabs = &model->blocks.slabs;
        u64 freed[2 * PM_SLAB_MOST_HELD];
        const size_t count = sizeof freed / sizeof *freed;
        while (model->count < 2 * count)
            assert_true(add(model, bytes));
        const size_t regions = model->owner.count;
        u64 from, to;
        pm_slabs_extent(slabs, &from, &to);
        for (size_t i = 0; i < model->count; i++)
            assert_true(from <= model->live[i].address && model->live[i].address + bytes <= to);
        /* Every second one: no chunk becomes empty. */
        for (size_t i = 0; i < count; i++) {
            freed[i] = model->live[2 * i].address;
            assert_true(pm_blocks_remove(&model->blocks, freed[i], &(struct pm_block){ 0 }));
            model->live[2 * i].address = 0;
        }
        for (size_t i = 0; i < count; i++)
            pm_slabs_hold_back(slabs, freed[i]);
        if (bytes == 16)
            assert_int_equal(slabs->held.count, PM_SLAB_MOST_HELD);
        else
            assert_int_equal(slabs->held_bytes, PM_SLAB_MOST_HELD_BYTES);
        pm_slabs_hold_back_none(slabs);
        for (size_t i = 0; i < count; i++)
            assert_true(add(model, bytes));
        assert_int_equal(model->owner.count, regions);
        model_free(model);
    }
}

/* Every size fits in its slot, and wastes little of it. */
static void test_every_size(void **state)
{
    struct slab_model *model = model_new(MAX_REGIONS);

    (void)state;
    for (u64 bytes = 0; bytes <= PM_SLAB_MAX_BYTES; bytes++) {
        assert_true(add(model, bytes));
        u64 holds = pm_blocks_slab_bytes(&model->blocks, model->live[0].address);
        assert_true(holds >= bytes && holds <= bytes + (bytes < 512 ? 16 : bytes / 8 + 1));
        drop(model, 0);
    }
    assert_int_equal(pm_blocks_allocate(&model->blocks, PM_SLAB_MAX_BYTES + 1), 0);
    model_free(model);
}

/* Memory that one size no longer needs is used for another: no more is asked for than for the first. */
static void test_other_sizes(void **state)
{
    struct slab_model *model = model_new(MAX_REGIONS);
    size_t regions = 0;

    (void)state;
    for (u64 bytes = 16; bytes <= 2048; bytes *= 2) {
        for (u64 i = 0; i < (3u << 20) / bytes && model->count < MAX_LIVE; i++)
            assert_true(add(model, bytes));
        check_all(model);
        while (model->count > 0)
            drop(model, pm_random_below(&model->random, model->count));
        if (regions == 0)
            regions = model->owner.count + 3;
        assert_true(model->owner.count <= regions);
    }
    model_free(model);
}

static void test_no_memory(void **state)
{
    struct slab_model *model = model_new(1);
    size_t most;

    (void)state;
    while (add(model, 4096))
        continue;
    most = model->count;
    assert_int_equal(most, PM_SLAB_REGION_CHUNKS * PM_SLAB_CHUNK_BYTES / 4096);
    assert_false(add(model, 16));
    drop(model, 0);
    assert_true(add(model, 4000));
    assert_false(add(model, 4000));
    while (model->count > 0)
        drop(model, 0);
    assert_true(add(model, 16));
    model_free(model);
}

/* Addresses that never were a block's. */
static void test_wild_addresses(void **state)
{
    struct slab_model *model = model_new(MAX_REGIONS);
    struct pm_block removed;

    (void)state;
    assert_true(add(model, 100));
    for (int i = 0; i < 100000; i++) {
        u64 wild = pm_random_any_size(&model->random);
        if (i % 2 == 0)
            wild = model->live[0].address - 70000 + pm_random_below(&model->random, 140000);
        if (wild == model->live[0].address)
            continue;
        assert_null(pm_blocks_find(&model->blocks, wild));
        assert_false(pm_blocks_remove(&model->blocks, wild, &removed));
    }
    drop(model, 0);
    model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_sizes),
        cmocka_unit_test(test_held_back),
        cmocka_unit_test(test_most_held_back),
        cmocka_unit_test(test_every_size),
        cmocka_unit_test(test_other_sizes),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_wild_addresses),
    };
    return pm_random_verdict(cmocka_run_group_tests(tests, NULL, NULL));
}
