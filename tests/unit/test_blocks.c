/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The block table against plain arrays: a test knows its addresses beforehand, and the model has for each
   address the block that lives there, if any. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "heap/pm_blocks.h"
#include "pm_random.h"

enum { INITIAL_CAPACITY = 4096, BYTES_A_BLOCK = 42 };

struct block_model {
    struct pm_random random;
    struct pm_blocks blocks;
    struct pm_block *places;    /* where a block can live; bytes, serial ... as inserted */
    bool *live;
    size_t count, live_count;
    u64 serial;
};

static void model_init(struct block_model *model, size_t count)
{
    *model = (struct block_model){ .random = pm_random_start(), .count = count };
    model->places = calloc(count, sizeof *model->places);
    model->live = calloc(count, sizeof *model->live);
    pm_blocks_init(&model->blocks);
}

static void model_release(struct block_model *model)
{
    pm_blocks_release(&model->blocks);
    free(model->places);
    free(model->live);
}

static void assert_block(const struct pm_block *found, const struct pm_block *expected)
{
    assert_int_equal(found->address, expected->address);
    assert_int_equal(found->bytes, expected->bytes);
    assert_int_equal(found->padding_units, expected->padding_units);
    assert_int_equal(found->origin, expected->origin);
    assert_int_equal(found->is_code, expected->is_code);
    assert_int_equal(found->thread, expected->thread);
    assert_int_equal(found->site, expected->site);
    assert_int_equal(found->serial, expected->serial);
}

/* Overwrites all but the address. */
static void fill(struct pm_random *random, struct pm_block *block, u64 serial)
{
    block->bytes = pm_random_u64(random) >> 20;
    block->padding_units = pm_random_u64(random) >> 59;
    block->origin = pm_random_below(random, 3);
    block->is_code = pm_random_u64(random) >> 63;
    block->thread = pm_random_u64(random) >> 52;
    block->site = pm_random_u64(random) >> 36;
    block->serial = serial;
}

static void insert(struct block_model *model, size_t i)
{
    u64 capacity = model->blocks.capacity;

    fill(&model->random, &model->places[i], ++model->serial);
    pm_blocks_insert(&model->blocks, &model->places[i]);
    model->live[i] = true;
    model->live_count++;
    /* The bound holds at every size the table grows through. */
    if (model->blocks.capacity != capacity) {
        assert_int_equal(model->blocks.capacity, capacity + capacity / 2);
        assert_true(model->blocks.capacity * sizeof(struct pm_block)
                    < BYTES_A_BLOCK * model->live_count);
    }
}

static void remove_block(struct block_model *model, size_t i)
{
    struct pm_block removed;

    assert_int_equal(pm_blocks_remove(&model->blocks, model->places[i].address, &removed),
                     model->live[i]);
    if (model->live[i]) {
        assert_block(&removed, &model->places[i]);
        model->live[i] = false;
        model->live_count--;
    }
}

static void check_one(const struct block_model *model, size_t i)
{
    const struct pm_block *found = pm_blocks_find(&model->blocks, model->places[i].address);

    assert_int_equal(found != NULL, model->live[i]);
    if (found != NULL)
        assert_block(found, &model->places[i]);
}

static void count_visit(void *context, struct pm_block *block)
{
    struct { u64 visits, serials; } *sums = context;
    assert_true(block->address != 0);
    sums->visits++;
    sums->serials += block->serial;
}

static void check_all(const struct block_model *model)
{
    struct { u64 visits, serials; } sums = { 0, 0 };
    u64 serials = 0;

    assert_int_equal(model->blocks.count, model->live_count);
    for (size_t i = 0; i < model->count; i++) {
        check_one(model, i);
        serials += model->live[i] ? model->places[i].serial : 0;
    }
    pm_blocks_each(&model->blocks, count_visit, &sums);
    assert_int_equal(sums.visits, model->live_count);
    assert_int_equal(sums.serials, serials);
}

/* Fills and drains in turn. */
static void run(struct block_model *model, size_t steps, size_t steps_a_turn)
{
    for (size_t step = 0; step < steps; step++) {
        size_t i = pm_random_below(&model->random, model->count);
        bool filling = step / steps_a_turn % 2 == 0;
        if (pm_random_below(&model->random, 8) == 0)
            check_one(model, i);
        else if (pm_random_below(&model->random, 4) < (filling ? 1 : 3))
            remove_block(model, i);
        else if (!model->live[i])
            insert(model, i);
        if (step % steps_a_turn == 0)
            check_all(model);
    }
    check_all(model);
    for (size_t i = 0; i < model->count; i++)
        remove_block(model, i);
    check_all(model);
    for (u64 cell = 0; cell < model->blocks.capacity; cell++)
        assert_int_equal(model->blocks.cells[cell].address, 0);
}

/* As a heap hands them out: clusters in steps of sixteen bytes, far apart. */
static void test_million_steps(void **state)
{
    enum { PLACES = 120000, CLUSTER = 10000, STEPS = 1000000 };
    struct block_model model;

    (void)state;
    model_init(&model, PLACES);
    for (u64 i = 0; i < PLACES; i++)
        model.places[i].address = 0x4a00000 + i / CLUSTER * 0x100000000000 + i % CLUSTER * 16;
    run(&model, STEPS, STEPS / 4);
    assert_true(model.blocks.capacity > 10 * INITIAL_CAPACITY);
    model_release(&model);
}

/* Any address: odd ones, which share a home cell with their neighbours, and the last one. */
static void test_crowded_places(void **state)
{
    enum { PLACES = 2000 };
    struct block_model model;

    (void)state;
    model_init(&model, PLACES);
    for (u64 i = 0; i < PLACES; i++)
        model.places[i].address = i < PLACES / 2 ? i + 1 : UINT64_MAX - (i - PLACES / 2);
    run(&model, 100000, 5000);
    model_release(&model);
}

/* Finds an address whose home is one of the last few cells, or one of the first. An empty table tells,
   since a block is then in its home cell. */
static u64 address_at_the_end(struct pm_random *random, struct pm_blocks *empty, u64 cells)
{
    struct pm_block block = { 0 };

    for (;;) {
        struct pm_block removed;
        block.address = pm_random_u64(random) & ~(u64)15;
        if (block.address == 0)
            continue;
        pm_blocks_insert(empty, &block);
        u64 cell = (u64)(pm_blocks_find(empty, block.address) - empty->cells);
        pm_blocks_remove(empty, block.address, &removed);
        if ((cell + cells / 2) % empty->capacity < cells)
            return block.address;
    }
}

/* One long run of blocks across the end of the table. */
static void test_removal_across_the_end(void **state)
{
    enum { PLACES = 400, CELLS = 12 };
    struct block_model model;

    (void)state;
    model_init(&model, PLACES);
    for (size_t i = 0; i < PLACES; i++) {
        struct pm_blocks *empty = &model.blocks;
        model.places[i].address = address_at_the_end(&model.random, empty, CELLS);
    }
    for (size_t i = 0; i < PLACES; i++)
        insert(&model, i);
    assert_true(model.blocks.cells[0].address != 0);
    assert_true(model.blocks.cells[model.blocks.capacity - 1].address != 0);
    assert_int_equal(model.blocks.capacity, INITIAL_CAPACITY);
    check_all(&model);
    run(&model, 200000, 10000);
    model_release(&model);
}

/* Growing only: the bytes for each live block, at each count. */
static void test_bytes_for_each_block(void **state)
{
    enum { BLOCKS = 1000000 };
    struct pm_block block = { 0 };
    struct pm_blocks blocks;

    (void)state;
    assert_int_equal(sizeof block, 24);
    pm_blocks_init(&blocks);
    assert_int_equal(blocks.capacity, INITIAL_CAPACITY);
    for (u64 i = 1; i <= BLOCKS; i++) {
        block.address = 0x5000000 + 48 * i;
        block.serial = i;
        pm_blocks_insert(&blocks, &block);
        if (blocks.count == i && blocks.capacity > INITIAL_CAPACITY
                && blocks.capacity * sizeof block >= BYTES_A_BLOCK * i)
            fail_msg("%llu cells for %llu blocks", (unsigned long long)blocks.capacity,
                     (unsigned long long)i);
    }
    assert_int_equal(blocks.count, BLOCKS);
    for (u64 i = 1; i <= BLOCKS; i++)
        if (pm_blocks_find(&blocks, 0x5000000 + 48 * i)->serial != i)
            fail_msg("block %llu is another", (unsigned long long)i);
    assert_null(pm_blocks_find(&blocks, 0x5000000 + 48 * (u64)(BLOCKS + 1)));
    pm_blocks_release(&blocks);
}

static void test_fields(void **state)
{
    const struct pm_block most = {
        .address = UINT64_MAX - 15, .bytes = ((u64)1 << 44) - 1, .padding_units = 31,
        .origin = PM_BLOCK_NEW_ARRAY, .is_code = 1, .thread = PM_BLOCK_MAX_THREAD,
        .site = (1u << 28) - 1, .serial = ((u64)1 << 36) - 1,
    };
    const struct pm_block padded = { .address = 16, .bytes = 201, .padding_units = 3 };
    struct pm_blocks blocks;
    struct pm_block removed;

    (void)state;
    pm_blocks_init(&blocks);
    pm_blocks_insert(&blocks, &most);
    pm_blocks_insert(&blocks, &padded);
    assert_block(pm_blocks_find(&blocks, most.address), &most);
    assert_int_equal(pm_block_padding_bytes(&most), PM_BLOCK_MAX_PADDING);
    assert_int_equal(pm_block_requested_bytes(pm_blocks_find(&blocks, 16)), 177);
    assert_int_equal(pm_block_padding_bytes(&padded), 24);
    /* What is found can be changed in place. */
    pm_blocks_find(&blocks, 16)->is_code = 1;
    assert_true(pm_blocks_remove(&blocks, 16, &removed));
    assert_int_equal(removed.is_code, 1);
    assert_false(pm_blocks_remove(&blocks, 16, &removed));
    /* No block starts at 0, nor in the middle of another. */
    assert_null(pm_blocks_find(&blocks, 0));
    assert_false(pm_blocks_remove(&blocks, 0, &removed));
    assert_null(pm_blocks_find(&blocks, most.address + 8));
    assert_block(pm_blocks_find(&blocks, most.address), &most);
    pm_blocks_release(&blocks);
}

static u64 take_from(void *context, u64 alignment, u64 bytes)
{
    u64 *next = context;
    const u64 address = (*next + alignment - 1) & ~(alignment - 1);
    *next = address + bytes;
    return address;
}

/* What is retired is gone, and its memory does not come back. */
static void test_retired_memory(void **state)
{
    enum { MEMORY = 1 << 22, BLOCKS = 3000 };
    static u8 memory[MEMORY] __attribute__((aligned(1 << 20)));
    u64 next = (u64)memory;
    struct pm_blocks blocks;

    (void)state;
    pm_blocks_init(&blocks);
    pm_slabs_init(&blocks.slabs, take_from, &next);
    u64 retired = 0;
    for (u32 i = 0; i < BLOCKS; i++) {
        const u64 address = pm_blocks_allocate(&blocks, 100);
        assert_true(address != 0 && address != retired);
        const struct pm_block block = { .address = address, .bytes = 100 };
        pm_blocks_insert(&blocks, &block);
        if (i == 5) {
            retired = address;
            pm_blocks_retire_found(&blocks, pm_blocks_find(&blocks, address));
            assert_null(pm_blocks_find(&blocks, address));
        } else {
            pm_blocks_remove_found(&blocks, pm_blocks_find(&blocks, address));
        }
    }
    const struct pm_block large = { .address = 64, .bytes = 100000 };
    pm_blocks_insert(&blocks, &large);
    pm_blocks_retire_found(&blocks, pm_blocks_find(&blocks, 64));
    assert_null(pm_blocks_find(&blocks, 64));
    assert_int_equal(blocks.count, 0);
    pm_blocks_release(&blocks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_retired_memory),
        cmocka_unit_test(test_million_steps),
        cmocka_unit_test(test_crowded_places),
        cmocka_unit_test(test_removal_across_the_end),
        cmocka_unit_test(test_bytes_for_each_block),
        cmocka_unit_test(test_fields),
    };
    return pm_random_verdict(cmocka_run_group_tests(tests, NULL, NULL));
}
