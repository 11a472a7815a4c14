/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Moments against copies of all live figures, made when they were taken: the sum of changes up to a moment is the
   copy, whichever other moments were dropped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "heap/pm_moments.h"
#include "pm_random.h"

enum { SITES = 300, STEPS = 2000, MOST_COPIES = STEPS + 1 };

struct world {
    struct pm_random random;
    struct pm_sites sites;
    struct pm_moments moments;
    struct pm_site_live *copies[MOST_COPIES];   /* by elapsed_ms of the moment */
    u64 live_bytes[MOST_COPIES], live_blocks[MOST_COPIES];
    u64 count, serial;
};

static void begin(struct world *world, u32 most_moments)
{
    memset(world, 0, sizeof *world);
    world->random = pm_random_start();
    pm_sites_init(&world->sites);
    pm_moments_init(&world->moments, most_moments);
}

static void end(struct world *world)
{
    for (u64 i = 0; i < world->count; i++)
        free(world->copies[i]);
    pm_moments_release(&world->moments);
    pm_sites_release(&world->sites);
}

static void change_sites(struct world *world)
{
    const u64 events = 1 + pm_random_below(&world->random, 20);

    for (u64 i = 0; i < events; i++) {
        const u32 stack = (u32)pm_random_below(&world->random, SITES);
        const struct pm_site_id id = pm_sites_of(&world->sites, (struct pm_stack_id){ stack });
        struct pm_site *site = pm_sites_at(&world->sites, id.v);
        if (site->live_blocks > 0 && pm_random_below(&world->random, 2) == 0)
            pm_sites_free(&world->sites, id, site->live_blocks == 1 ? site->live_bytes : 0, 0);
        else
            pm_sites_allocate(&world->sites, id, pm_random_below(&world->random, 100), 0, ++world->serial);
    }
}

static bool take(struct world *world, u32 name)
{
    const u64 number = world->count++;
    const struct pm_moment_place place = { world->serial, number, world->serial * 3 };

    world->copies[number] = calloc(SITES, sizeof *world->copies[number]);
    for (u32 i = 0; i < world->sites.count; i++) {
        const struct pm_site *site = pm_sites_at(&world->sites, i);
        world->copies[number][i] = (struct pm_site_live){ site->live_bytes, site->live_blocks };
    }
    world->live_bytes[number] = world->sites.live_bytes;
    world->live_blocks[number] = world->sites.live_blocks;
    return pm_moments_take(&world->moments, &world->sites, &place, (struct pm_string_id){ name });
}

static void check(const struct world *world)
{
    struct pm_site_live live[SITES] = { { 0, 0 } };
    u64 changes = 0, earlier = 0;

    for (u32 i = 0; i < world->moments.count; i++) {
        const struct pm_moment *moment = &world->moments.list[i];
        for (u32 k = 0; k < moment->change_count; k++) {
            const struct pm_moment_change *change = &moment->changes[k];
            assert_true(k == 0 || moment->changes[k - 1].site < change->site);
            live[change->site] = (struct pm_site_live){ change->bytes, change->blocks };
        }
        changes += moment->change_count;
        assert_true(i == 0 || moment->elapsed_ms > earlier);
        earlier = moment->elapsed_ms;
        assert_memory_equal(live, world->copies[moment->elapsed_ms], sizeof live);
        assert_int_equal(moment->live_bytes, world->live_bytes[moment->elapsed_ms]);
        assert_int_equal(moment->live_blocks, world->live_blocks[moment->elapsed_ms]);
    }
    assert_int_equal(changes, world->moments.change_count);
}

static void test_random_moments(void **state)
{
    static struct world world;
    u32 named = 0;

    (void)state;
    begin(&world, 10);
    for (u32 step = 0; step < STEPS; step++) {
        const bool give_name = pm_random_below(&world.random, 50) == 0;
        change_sites(&world);
        named += give_name;
        take(&world, give_name ? 1 + step : 0);
        assert_true(world.moments.count - named < 10);
        if (step % 37 == 0)
            check(&world);
    }
    check(&world);
    assert_int_equal(world.moments.named_count, named);
    end(&world);
}

/* Those that stay are evenly apart, at multiples of the distance that the taker doubles. */
static void test_thinning(void **state)
{
    static struct world world;
    u64 distance = 1, next = 1;

    (void)state;
    begin(&world, 8);
    for (u64 now = 0; now < 1000; now++) {
        change_sites(&world);
        if (now < next) {
            world.copies[world.count++] = NULL;
            continue;
        }
        if (take(&world, 0))
            distance *= 2;
        next = (now / distance + 1) * distance;
    }
    check(&world);
    assert_in_range(world.moments.count, 4, 7);
    for (u32 i = 1; i < world.moments.count; i++)
        assert_int_equal(world.moments.list[i].elapsed_ms - world.moments.list[i - 1].elapsed_ms, distance);
    end(&world);
}

static void test_limit_of_changes(void **state)
{
    static struct world world;

    (void)state;
    begin(&world, 1000);
    world.moments.most_changes = 500;
    for (u32 i = 0; i < 200; i++) {
        change_sites(&world);
        take(&world, i == 50 ? 7 : 0);
        assert_true(world.moments.change_count <= 500 + SITES);
    }
    check(&world);
    assert_int_equal(world.moments.named_count, 1);
    assert_int_equal(world.moments.refused, 0);
    for (u32 i = 0; i < 200; i++) {
        change_sites(&world);
        take(&world, 8);
    }
    check(&world);
    assert_true(world.moments.refused > 0);
    assert_true(world.moments.change_count <= 500 + 2 * SITES);
    end(&world);
}

static void test_most_named(void **state)
{
    static struct world world;

    (void)state;
    begin(&world, 2);
    for (u32 i = 0; i < PM_MOMENTS_MOST_NAMED + 3; i++)
        take(&world, 1);
    assert_int_equal(world.moments.count, PM_MOMENTS_MOST_NAMED);
    assert_int_equal(world.moments.refused, 3);
    take(&world, 0);
    assert_int_equal(world.moments.count, PM_MOMENTS_MOST_NAMED + 1);
    check(&world);
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_moments),
        cmocka_unit_test(test_thinning),
        cmocka_unit_test(test_limit_of_changes),
        cmocka_unit_test(test_most_named),
    };
    return pm_random_verdict(cmocka_run_group_tests(tests, NULL, NULL));
}
