/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Phases against a naive recorder, which notes for each allocation which phases were open. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "heap/pm_phases.h"
#include "pm_random.h"

enum { NAMES = 6, THREADS = 3, MOST_BLOCKS = 4000, STEPS = 6000, MOST_DEPTH = 8 };

struct world {
    struct pm_phases phases;
    struct pm_phase_figures now;
    u32 open[THREADS][MOST_DEPTH], depth[THREADS];      /* names, by thread */
    struct {
        u64 bytes, serial;
        bool live, in[NAMES];
    } blocks[MOST_BLOCKS];
    u32 count;
    u64 allocs[NAMES], frees[NAMES], bytes[NAMES];
    i64 grown[NAMES];
};

static struct pm_string_id name(u32 number)
{
    return (struct pm_string_id){ number + 10 };
}

static bool is_open(const struct world *world, u32 phase)
{
    for (u32 thread = 0; thread < THREADS; thread++)
        for (u32 i = 0; i < world->depth[thread]; i++)
            if (world->open[thread][i] == phase)
                return true;
    return false;
}

static void allocate(struct world *world, u64 bytes)
{
    u32 at = world->count++;

    world->blocks[at].bytes = bytes;
    world->blocks[at].serial = ++world->now.serial;
    world->blocks[at].live = true;
    for (u32 i = 0; i < NAMES; i++)
        if (is_open(world, i)) {
            world->blocks[at].in[i] = true;
            world->allocs[i]++;
            world->bytes[i] += bytes;
            world->grown[i] += (i64)bytes;
        }
    world->now.allocs++;
    world->now.bytes += bytes;
    world->now.live_bytes += bytes;
    world->now.live_blocks++;
}

static void release(struct world *world, u32 at)
{
    if (!world->blocks[at].live)
        return;
    world->blocks[at].live = false;
    for (u32 i = 0; i < NAMES; i++)
        if (is_open(world, i)) {
            world->frees[i]++;
            world->grown[i] -= (i64)world->blocks[at].bytes;
        }
    world->now.frees++;
    world->now.live_bytes -= world->blocks[at].bytes;
    world->now.live_blocks--;
}

static void each(void *context, void (*add_block)(void *sums, u64 serial, u64 bytes), void *sums)
{
    const struct world *world = context;

    for (u32 i = 0; i < world->count; i++)
        if (world->blocks[i].live)
            add_block(sums, world->blocks[i].serial, world->blocks[i].bytes);
}

static void check(struct world *world)
{
    pm_phases_settle(&world->phases, &world->now, each, world);
    for (u32 i = 0; i < world->phases.count; i++) {
        const struct pm_phase *phase = &world->phases.entries[i];
        u32 number = phase->name.v - 10;
        u64 bytes = 0, blocks = 0;
        for (u32 k = 0; k < world->count; k++)
            if (world->blocks[k].live && world->blocks[k].in[number]) {
                bytes += world->blocks[k].bytes;
                blocks++;
            }
        assert_int_equal(phase->allocs, world->allocs[number]);
        assert_int_equal(phase->frees, world->frees[number]);
        assert_int_equal(phase->bytes, world->bytes[number]);
        assert_int_equal(phase->grown_bytes, world->grown[number]);
        assert_true(phase->live_known);
        assert_int_equal(phase->live_bytes, bytes);
        assert_int_equal(phase->live_blocks, blocks);
        assert_int_equal(phase->open > 0, is_open(world, number));
    }
}

static void end(struct world *world, u32 thread, u32 phase)
{
    bool right = world->depth[thread] > 0 && world->open[thread][world->depth[thread] - 1] == phase;

    assert_int_equal(pm_phases_end(&world->phases, name(phase), thread + 1, &world->now), right);
    world->depth[thread] -= right;
}

static void step(struct world *world, struct pm_random *random)
{
    u32 thread = (u32)pm_random_below(random, THREADS), phase = (u32)pm_random_below(random, NAMES);

    switch (pm_random_below(random, 12)) {
    case 0:
    case 1:
        if (world->depth[thread] == MOST_DEPTH)
            break;
        assert_true(pm_phases_begin(&world->phases, name(phase), thread + 1, &world->now));
        world->open[thread][world->depth[thread]++] = phase;
        break;
    case 2:
    case 3:
        if (world->depth[thread] > 0 && pm_random_below(random, 4) > 0)
            phase = world->open[thread][world->depth[thread] - 1];
        end(world, thread, phase);
        break;
    case 4:
        if (pm_random_below(random, 20) == 0) {
            assert_int_equal(pm_phases_end_thread(&world->phases, thread + 1, &world->now), world->depth[thread]);
            world->depth[thread] = 0;
        }
        break;
    case 5:
    case 6:
    case 7:
        if (world->count > 0)
            release(world, (u32)pm_random_below(random, world->count));
        break;
    case 8:
        if (pm_random_below(random, 50) == 0)
            check(world);
        break;
    default:
        if (world->count < MOST_BLOCKS)
            allocate(world, pm_random_below(random, 1000));
    }
}

static void test_against_recorder(void **state)
{
    static struct world world;

    (void)state;
    for (u32 seed = 1; seed <= 10; seed++) {
        struct pm_random random = { seed };
        memset(&world, 0, sizeof world);
        pm_phases_init(&world.phases);
        for (u32 i = 0; i < STEPS; i++)
            step(&world, &random);
        check(&world);
        pm_phases_release(&world.phases);
    }
}

static void test_limits(void **state)
{
    const struct pm_phase_figures now = { .serial = 1 };
    struct pm_phases phases;

    (void)state;
    pm_phases_init(&phases);
    for (u32 i = 0; i < PM_PHASES_MOST; i++) {
        assert_true(pm_phases_begin(&phases, (struct pm_string_id){ i + 1 }, 1, &now));
        assert_true(pm_phases_end(&phases, (struct pm_string_id){ i + 1 }, 1, &now));
    }
    assert_false(pm_phases_begin(&phases, (struct pm_string_id){ PM_PHASES_MOST + 1 }, 1, &now));
    for (u32 i = 0; i < PM_PHASES_MOST_OPEN; i++)
        assert_true(pm_phases_begin(&phases, (struct pm_string_id){ 1 }, 1 + i % 2, &now));
    assert_false(pm_phases_begin(&phases, (struct pm_string_id){ 1 }, 1, &now));
    assert_int_equal(phases.entries[0].times, 1 + PM_PHASES_MOST_OPEN);
    pm_phases_keep_thread(&phases, 2, &now);
    assert_int_equal(phases.open_count, PM_PHASES_MOST_OPEN / 2);
    assert_null(pm_phases_innermost(&phases, 1));
    assert_int_equal(pm_phases_innermost(&phases, 2)->name.v, 1);
    assert_int_equal(pm_phases_end_thread(&phases, 0, &now), PM_PHASES_MOST_OPEN / 2);
    assert_int_equal(phases.entries[0].open, 0);
    pm_phases_release(&phases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_recorder),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
