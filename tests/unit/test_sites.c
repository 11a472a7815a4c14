/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sites against a naive recorder, which copies every live figure each time the live
   bytes reach a new maximum: the share of each site in the peak is exact. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "heap/pm_sites.h"
#include "pm_random.h"

enum { STACKS = 40, MOST_BLOCKS = 400 };

struct figures {
    u64 bytes, blocks;
};

struct modelled_block {
    u32 stack;
    u64 requested_bytes, padding_bytes;
};

struct recorder {
    struct pm_sites sites;
    u32 stack_ids[STACKS];
    struct modelled_block blocks[MOST_BLOCKS];
    size_t block_count;
    struct figures live[STACKS], peak[STACKS], total[STACKS];
    u64 padding[STACKS], first[STACKS], last[STACKS];
    u64 counts[STACKS][PM_HISTOGRAM_BINS];
    struct figures all_live, all_peak;      /* with padding */
    u64 serial;
};

static struct pm_site_id site_id(struct recorder *recorder, u32 stack)
{
    return pm_sites_of(&recorder->sites, (struct pm_stack_id){ recorder->stack_ids[stack] });
}

static void allocate(struct recorder *recorder, u32 stack, u64 bytes, u64 padding)
{
    u64 serial = ++recorder->serial;

    pm_sites_allocate(&recorder->sites, site_id(recorder, stack), bytes, padding, serial);
    recorder->blocks[recorder->block_count++] = (struct modelled_block){ stack, bytes, padding };
    recorder->live[stack].bytes += bytes;
    recorder->live[stack].blocks++;
    recorder->total[stack].bytes += bytes;
    recorder->total[stack].blocks++;
    recorder->padding[stack] += padding;
    recorder->counts[stack][pm_histogram_bin(bytes)]++;
    if (recorder->first[stack] == 0)
        recorder->first[stack] = serial;
    recorder->last[stack] = serial;
    recorder->all_live.bytes += bytes + padding;
    recorder->all_live.blocks++;
    if (recorder->all_live.bytes > recorder->all_peak.bytes) {
        recorder->all_peak = recorder->all_live;
        memcpy(recorder->peak, recorder->live, sizeof recorder->peak);
    }
}

static void free_block(struct recorder *recorder, size_t i)
{
    struct modelled_block block = recorder->blocks[i];

    pm_sites_free(&recorder->sites, site_id(recorder, block.stack), block.requested_bytes,
                  block.padding_bytes);
    recorder->blocks[i] = recorder->blocks[--recorder->block_count];
    recorder->live[block.stack].bytes -= block.requested_bytes;
    recorder->live[block.stack].blocks--;
    recorder->all_live.bytes -= block.requested_bytes + block.padding_bytes;
    recorder->all_live.blocks--;
}

static void move_block(struct recorder *recorder, size_t i, u32 to)
{
    struct modelled_block *block = &recorder->blocks[i];

    pm_sites_move(&recorder->sites, site_id(recorder, block->stack), site_id(recorder, to),
                  block->requested_bytes);
    recorder->live[block->stack].bytes -= block->requested_bytes;
    recorder->live[block->stack].blocks--;
    recorder->live[to].bytes += block->requested_bytes;
    recorder->live[to].blocks++;
    block->stack = to;
}

static void check_site(const struct recorder *recorder, const struct pm_site *site, u32 stack)
{
    assert_int_equal(site->live_bytes, recorder->live[stack].bytes);
    assert_int_equal(site->live_blocks, recorder->live[stack].blocks);
    assert_int_equal(site->total_bytes, recorder->total[stack].bytes);
    assert_int_equal(site->total_blocks, recorder->total[stack].blocks);
    assert_int_equal(site->padding_bytes, recorder->padding[stack]);
    assert_int_equal(site->first_serial, recorder->first[stack]);
    assert_int_equal(site->last_serial, recorder->last[stack]);
    assert_int_equal(pm_sites_peak_bytes(&recorder->sites, site), recorder->peak[stack].bytes);
    assert_int_equal(pm_sites_peak_blocks(&recorder->sites, site), recorder->peak[stack].blocks);
    for (unsigned bin = 0; bin < PM_HISTOGRAM_BINS; bin++)
        assert_int_equal(pm_histogram_count(&site->sizes, bin), recorder->counts[stack][bin]);
}

static void check(struct recorder *recorder)
{
    const struct pm_sites *sites = &recorder->sites;
    u32 seen = 0;

    pm_sites_settle(&recorder->sites);
    assert_int_equal(sites->live_bytes, recorder->all_live.bytes);
    assert_int_equal(sites->live_blocks, recorder->all_live.blocks);
    assert_int_equal(sites->peak_bytes, recorder->all_peak.bytes);
    assert_int_equal(sites->peak_blocks, recorder->all_peak.blocks);
    for (u32 stack = 0; stack < STACKS; stack++)
        for (u32 i = 0; i < sites->count; i++)
            if (pm_sites_at(sites, i)->stack == recorder->stack_ids[stack]) {
                check_site(recorder, pm_sites_at(sites, i), stack);
                seen++;
            }
    assert_int_equal(seen, sites->count);
}

/* Small and large stack ids, so that the index by stack grows in the middle of a run. */
static struct recorder *new_recorder(void)
{
    struct recorder *recorder = calloc(1, sizeof *recorder);

    pm_sites_init(&recorder->sites);
    for (u32 i = 0; i < STACKS; i++)
        recorder->stack_ids[i] = i < STACKS / 2 ? i : i * i * i;
    return recorder;
}

static void release(struct recorder *recorder)
{
    pm_sites_release(&recorder->sites);
    free(recorder);
}

static void step(struct recorder *recorder, struct pm_random *random, bool filling, u64 stacks)
{
    u64 choice = pm_random_below(random, 8);
    u32 stack = (u32)pm_random_below(random, stacks);

    if (recorder->block_count == 0 || (choice < (filling ? 5 : 2)
                                       && recorder->block_count < MOST_BLOCKS)) {
        /* Sizes of 0, equal sizes and thus equal maxima; one large now and then. */
        u64 bytes = pm_random_below(random, 6) * 100;
        if (pm_random_below(random, 30) == 0)
            bytes = pm_random_any_size(random) >> 24;
        allocate(recorder, stack, bytes, pm_random_below(random, 2) * 24);
        return;
    }
    size_t block = pm_random_below(random, recorder->block_count);
    if (choice == 7)
        move_block(recorder, block, stack);
    else
        free_block(recorder, block);
}

static void test_random_events(void **state)
{
    struct pm_random random = pm_random_start();

    (void)state;
    for (int round = 0; round < 60; round++) {
        struct recorder *recorder = new_recorder();
        u64 stacks = 1 + pm_random_below(&random, STACKS);
        int turn = 20 + (int)pm_random_below(&random, 300);
        for (int i = 0; i < 2000; i++) {
            step(recorder, &random, i / turn % 2 == 0, stacks);
            if (i < 200 || i % 16 == 0)
                check(recorder);
        }
        while (recorder->block_count > 0)
            free_block(recorder, recorder->block_count - 1);
        check(recorder);
        assert_int_equal(recorder->sites.live_bytes, 0);
        release(recorder);
    }
}

/* The first of two equal maxima counts, and blocks of no bytes make no new maximum. */
static void test_equal_maxima(void **state)
{
    struct recorder *recorder = new_recorder();

    (void)state;
    allocate(recorder, 1, 0, 0);
    check(recorder);
    assert_int_equal(recorder->sites.peak_blocks, 0);
    allocate(recorder, 1, 100, 0);
    free_block(recorder, 1);
    allocate(recorder, 2, 50, 0);
    allocate(recorder, 2, 50, 0);
    check(recorder);
    assert_int_equal(recorder->peak[1].bytes, 100);
    assert_int_equal(recorder->peak[2].bytes, 0);
    assert_int_equal(recorder->sites.peak_blocks, 2);
    release(recorder);
}

/* A move at the peak changes which site the block belongs to, not the figures at the peak. It can go to a
   stack that never allocated; a move to the same site does nothing. */
static void test_moves(void **state)
{
    struct recorder *recorder = new_recorder();

    (void)state;
    allocate(recorder, 3, 1000, 24);
    move_block(recorder, 0, 39);
    check(recorder);
    assert_int_equal(recorder->peak[3].bytes, 1000);
    assert_int_equal(recorder->peak[39].bytes, 0);
    assert_int_equal(recorder->sites.count, 2);
    move_block(recorder, 0, 39);
    check(recorder);
    allocate(recorder, 3, 1, 0);
    check(recorder);
    assert_int_equal(recorder->peak[39].bytes, 1000);
    move_block(recorder, 0, 3);
    free_block(recorder, 0);
    check(recorder);
    assert_int_equal(recorder->peak[3].bytes, 1);
    release(recorder);
}

static void test_many_sites(void **state)
{
    enum { SITES = 20000 };
    struct pm_sites sites;

    (void)state;
    pm_sites_init(&sites);
    for (u32 i = SITES; i > 0; i--)
        pm_sites_allocate(&sites, pm_sites_of(&sites, (struct pm_stack_id){ i * 3 }), i, 0,
                          SITES + 1 - i);
    for (u32 i = SITES; i > 0; i--)
        pm_sites_free(&sites, pm_sites_of(&sites, (struct pm_stack_id){ i * 3 }), i, 0);
    assert_int_equal(sites.count, SITES);
    for (u32 i = 0; i < SITES; i++) {
        assert_int_equal(pm_sites_at(&sites, i)->stack, (SITES - i) * 3);
        assert_int_equal(pm_sites_at(&sites, i)->live_blocks, 0);
        assert_int_equal(pm_sites_peak_bytes(&sites, pm_sites_at(&sites, i)), SITES - i);
    }
    pm_sites_release(&sites);
}

/* After a reset, the peak is the greatest amount since then, and so is each site's share. */
static void test_reset_peak(void **state)
{
    struct pm_sites sites;
    struct pm_site_id a, b;

    (void)state;
    pm_sites_init(&sites);
    a = pm_sites_of(&sites, (struct pm_stack_id){ 1 });
    b = pm_sites_of(&sites, (struct pm_stack_id){ 2 });
    pm_sites_allocate(&sites, a, 1000, 0, 1);
    pm_sites_allocate(&sites, b, 10, 0, 2);
    pm_sites_free(&sites, a, 1000, 0);
    assert_int_equal(sites.peak_bytes, 1010);
    pm_sites_reset_peak(&sites);
    assert_int_equal(sites.peak_bytes, 10);
    assert_int_equal(sites.peak_blocks, 1);
    assert_int_equal(pm_sites_peak_bytes(&sites, pm_sites_at(&sites, a.v)), 0);
    assert_int_equal(pm_sites_peak_bytes(&sites, pm_sites_at(&sites, b.v)), 10);
    pm_sites_free(&sites, b, 10, 0);
    pm_sites_allocate(&sites, a, 7, 0, 3);
    assert_int_equal(sites.peak_bytes, 10);
    assert_int_equal(pm_sites_peak_bytes(&sites, pm_sites_at(&sites, a.v)), 0);
    assert_int_equal(pm_sites_peak_bytes(&sites, pm_sites_at(&sites, b.v)), 10);
    pm_sites_allocate(&sites, a, 4, 0, 4);
    assert_int_equal(sites.peak_bytes, 11);
    assert_int_equal(pm_sites_peak_blocks(&sites, pm_sites_at(&sites, a.v)), 2);
    assert_int_equal(pm_sites_peak_bytes(&sites, pm_sites_at(&sites, b.v)), 0);
    pm_sites_release(&sites);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_events),
        cmocka_unit_test(test_equal_maxima),
        cmocka_unit_test(test_moves),
        cmocka_unit_test(test_many_sites),
        cmocka_unit_test(test_reset_peak),
    };
    return pm_random_verdict(cmocka_run_group_tests(tests, NULL, NULL));
}
