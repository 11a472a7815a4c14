/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is told of events, and the ledger: a made-up allocator's events leave it with the blocks
   of the allocator, and each kind of mistake in them is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "base/pm_platform.h"
#include "heap/pm_events.h"
#include "heap/pm_ledger.h"
#include "pm_random.h"

enum { ADDRESSES = 500, ROUNDS = 20000 };

/* A made-up allocator: tables as the tool keeps them, and listeners. */
struct heap {
    struct pm_blocks blocks;
    struct pm_sites sites;
    struct pm_events events;
    struct pm_ledger ledger;
    u64 serial;
};

static void begin(struct heap *heap)
{
    *heap = (struct heap){ .serial = 0 };
    pm_blocks_init(&heap->blocks);
    pm_sites_init(&heap->sites);
    pm_events_init(&heap->events);
    pm_ledger_init(&heap->ledger);
    pm_events_listen(&heap->events, pm_ledger_on_event, &heap->ledger);
}

static void end(struct heap *heap)
{
    pm_ledger_release(&heap->ledger);
    pm_sites_release(&heap->sites);
    pm_blocks_release(&heap->blocks);
}

static const char *compare(const struct heap *heap)
{
    return pm_ledger_compare(&heap->ledger, &heap->blocks, &heap->sites);
}

static void tell(struct heap *heap, enum pm_event_kind kind, const struct pm_block *block,
                 const struct pm_block *before, u64 argument)
{
    const struct pm_event event = {
        .kind = kind, .block = block, .before = before, .arguments = { argument },
    };
    pm_events_tell(&heap->events, &event);
}

static struct pm_block new_block(struct heap *heap, u64 address, u64 bytes)
{
    struct pm_site_id site = pm_sites_of(&heap->sites, (struct pm_stack_id){ 1 + bytes % 7 });
    struct pm_block block = {
        .address = address, .bytes = bytes, .thread = 1, .site = site.v, .serial = ++heap->serial,
    };

    pm_blocks_insert(&heap->blocks, &block);
    pm_sites_allocate(&heap->sites, site, bytes, 0, block.serial);
    return block;
}

static struct pm_block old_block(struct heap *heap, struct pm_block *found)
{
    struct pm_block block = *found;

    pm_sites_free(&heap->sites, (struct pm_site_id){ block.site }, block.bytes, 0);
    pm_blocks_remove_found(&heap->blocks, found);
    return block;
}

static void allocate(struct heap *heap, u64 address, u64 bytes)
{
    struct pm_block block = new_block(heap, address, bytes);
    tell(heap, PM_EVENT_ALLOCATED, &block, NULL, bytes);
}

static void release(struct heap *heap, struct pm_block *found)
{
    tell(heap, PM_EVENT_FREED, NULL, found, found->address);
    old_block(heap, found);
}

static void resize(struct heap *heap, struct pm_block *found, u64 address, u64 bytes)
{
    struct pm_block before = old_block(heap, found);
    struct pm_block block = new_block(heap, address, bytes);
    tell(heap, PM_EVENT_RESIZED, &block, &before, before.address);
}

static void reuse(struct heap *heap, struct pm_block *found)
{
    struct pm_block before = *found;
    struct pm_site_id site = pm_sites_of(&heap->sites, (struct pm_stack_id){ 9 });

    pm_sites_move(&heap->sites, (struct pm_site_id){ before.site }, site, before.bytes);
    found->site = site.v;
    found->serial = heap->serial;
    tell(heap, PM_EVENT_REUSED, found, &before, before.address);
}

static void act(struct heap *heap, struct pm_random *random)
{
    u64 address = 4096 + 16 * pm_random_below(random, ADDRESSES);
    u64 other = 4096 + 16 * pm_random_below(random, ADDRESSES);
    u64 bytes = pm_random_below(random, 1000);
    struct pm_block *found = pm_blocks_find(&heap->blocks, address);

    if (found == NULL) {
        if (pm_random_below(random, 4) == 0)
            tell(heap, PM_EVENT_UNKNOWN_FREE, NULL, NULL, address);
        else
            allocate(heap, address, bytes);
        return;
    }
    switch (pm_random_below(random, 5)) {
    case 0:
        reuse(heap, found);
        break;
    case 1:
        tell(heap, PM_EVENT_FAILED, NULL, found, address);
        break;
    case 2:
        if (other == address || pm_blocks_find(&heap->blocks, other) == NULL)
            resize(heap, found, other, bytes);
        break;
    default:
        release(heap, found);
        break;
    }
}

static void test_ledger_agrees(void **state)
{
    struct pm_random random = pm_random_start();
    struct heap heap;
    u64 most = 0;

    (void)state;
    begin(&heap);
    for (unsigned round = 0; round < ROUNDS; round++) {
        act(&heap, &random);
        assert_null(compare(&heap));
        if (heap.blocks.count > most)
            most = heap.blocks.count;
    }
    assert_true(most > ADDRESSES / 5);
    assert_true(heap.ledger.events > ROUNDS / 2);
    end(&heap);
}

/* One mistake each; the ledger must find it. */

static void untold_allocation(struct heap *heap)
{
    new_block(heap, 160, 1);
    allocate(heap, 320, 1);
}

static void untold_free(struct heap *heap)
{
    old_block(heap, pm_blocks_find(&heap->blocks, 4096));
}

static void untold_reuse(struct heap *heap)
{
    pm_blocks_find(&heap->blocks, 4096)->serial = 1000;
}

static void untold_resize(struct heap *heap)
{
    struct pm_block before = old_block(heap, pm_blocks_find(&heap->blocks, 4096));
    new_block(heap, before.address, before.bytes + 1);
}

static void allocated_twice(struct heap *heap)
{
    struct pm_block block = *pm_blocks_find(&heap->blocks, 4096);
    block.serial = ++heap->serial;
    tell(heap, PM_EVENT_ALLOCATED, &block, NULL, 0);
}

static void freed_twice(struct heap *heap)
{
    struct pm_block block = *pm_blocks_find(&heap->blocks, 4096);
    release(heap, pm_blocks_find(&heap->blocks, 4096));
    tell(heap, PM_EVENT_FREED, NULL, &block, 0);
}

static void freed_with_another_site(struct heap *heap)
{
    struct pm_block block = *pm_blocks_find(&heap->blocks, 4096);
    block.site++;
    tell(heap, PM_EVENT_FREED, NULL, &block, 0);
    old_block(heap, pm_blocks_find(&heap->blocks, 4096));
}

static void reused_elsewhere(struct heap *heap)
{
    struct pm_block before = *pm_blocks_find(&heap->blocks, 4096), block = before;
    block.bytes++;
    tell(heap, PM_EVENT_REUSED, &block, &before, 0);
}

static void failed_with_another_block(struct heap *heap)
{
    struct pm_block block = *pm_blocks_find(&heap->blocks, 4096);
    block.bytes++;
    tell(heap, PM_EVENT_FAILED, NULL, &block, 0);
}

static void unknown_but_live(struct heap *heap)
{
    tell(heap, PM_EVENT_UNKNOWN_FREE, NULL, NULL, 4096);
}

static void test_mistakes_are_found(void **state)
{
    static void (*const mistakes[])(struct heap *) = {
        untold_allocation, untold_free, untold_reuse, untold_resize, allocated_twice, freed_twice,
        freed_with_another_site, reused_elsewhere, failed_with_another_block, unknown_but_live,
    };

    (void)state;
    for (size_t i = 0; i < PM_ARRAY_LENGTH(mistakes); i++) {
        struct heap heap;

        begin(&heap);
        allocate(&heap, 4096, 24);
        allocate(&heap, 8192, 24);
        assert_null(compare(&heap));
        mistakes[i](&heap);
        assert_non_null(compare(&heap));
        end(&heap);
    }
}

/* What a block's owner notes in it is no event. */
static void test_code_mark_is_no_event(void **state)
{
    struct heap heap;

    (void)state;
    begin(&heap);
    allocate(&heap, 4096, 24);
    pm_blocks_find(&heap.blocks, 4096)->is_code = 1;
    assert_null(compare(&heap));
    release(&heap, pm_blocks_find(&heap.blocks, 4096));
    assert_null(compare(&heap));
    end(&heap);
}

struct told {
    int number;
    int *order, *count;
    const struct pm_event *event;
};

static void note(void *context, const struct pm_event *event)
{
    struct told *told = context;

    told->event = event;
    told->order[(*told->count)++] = told->number;
}

static void test_listeners_in_order(void **state)
{
    int order[PM_EVENTS_MAX_LISTENERS], count = 0;
    struct told told[PM_EVENTS_MAX_LISTENERS];
    const struct pm_event event = { .kind = PM_EVENT_FAILED, .call = PM_CALL_CALLOC };
    struct pm_events events;

    (void)state;
    pm_events_init(&events);
    pm_events_tell(&events, &event);
    for (int i = 0; i < PM_EVENTS_MAX_LISTENERS; i++) {
        told[i] = (struct told){ i, order, &count, NULL };
        pm_events_listen(&events, note, &told[i]);
    }
    pm_events_tell(&events, &event);
    assert_int_equal(count, PM_EVENTS_MAX_LISTENERS);
    for (int i = 0; i < PM_EVENTS_MAX_LISTENERS; i++) {
        assert_int_equal(order[i], i);
        assert_ptr_equal(told[i].event, &event);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ledger_agrees),
        cmocka_unit_test(test_mistakes_are_found),
        cmocka_unit_test(test_code_mark_is_no_event),
        cmocka_unit_test(test_listeners_in_order),
    };
    return pm_random_verdict(cmocka_run_group_tests(tests, NULL, NULL));
}
