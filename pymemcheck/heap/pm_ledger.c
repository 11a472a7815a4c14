/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heap/pm_ledger.h"

#include "base/pm_platform.h"

void pm_ledger_init(struct pm_ledger *ledger)
{
    *ledger = (struct pm_ledger){ 0 };
    pm_blocks_init(&ledger->blocks);
    pm_blocks_init(&ledger->custom);
}

void pm_ledger_release(struct pm_ledger *ledger)
{
    pm_blocks_release(&ledger->blocks);
    pm_blocks_release(&ledger->custom);
    *ledger = (struct pm_ledger){ 0 };
}

/* In all that events say. is_code is not part of it: the block's owner sets it later. */
static bool same_block(const struct pm_block *a, const struct pm_block *b)
{
    return a->address == b->address && a->bytes == b->bytes
        && a->padding_units == b->padding_units && a->origin == b->origin
        && a->raising == b->raising && a->thread == b->thread && a->site == b->site
        && a->serial == b->serial;
}

static void note(struct pm_ledger *ledger, const char *wrong)
{
    if (ledger->wrong == NULL)
        ledger->wrong = wrong;
}

static struct pm_blocks *table_of(struct pm_ledger *ledger, const struct pm_block *block)
{
    return block->origin == PM_BLOCK_CUSTOM ? &ledger->custom : &ledger->blocks;
}

static void add(struct pm_ledger *ledger, const struct pm_block *block)
{
    struct pm_blocks *table = table_of(ledger, block);

    if (block->address == 0 || pm_blocks_find(table, block->address) != NULL) {
        note(ledger, "an event allocated a block that lives");
        return;
    }
    pm_blocks_insert(table, block);
    ledger->live_bytes += block->bytes;
}

static void add_new(struct pm_ledger *ledger, const struct pm_block *block)
{
    if (block->serial <= ledger->serial && block->serial != PM_BLOCK_MAX_SERIAL)
        note(ledger, "numbers of allocations do not ascend");
    ledger->serial = block->serial;
    add(ledger, block);
}

static void drop(struct pm_ledger *ledger, const struct pm_block *block)
{
    struct pm_block removed;

    if (!pm_blocks_remove(table_of(ledger, block), block->address, &removed)) {
        note(ledger, "an event freed a block that does not live");
        return;
    }
    if (!same_block(&removed, block))
        note(ledger, "an event's block is not as it was before");
    ledger->live_bytes -= removed.bytes;
}

static void check_live(struct pm_ledger *ledger, const struct pm_block *block)
{
    const struct pm_block *live = pm_blocks_find(&ledger->blocks, block->address);

    if (live == NULL || !same_block(live, block))
        note(ledger, "a failed realloc's block is not as it was before");
}

void pm_ledger_on_event(void *context, const struct pm_event *event)
{
    struct pm_ledger *ledger = context;

    ledger->events++;
    switch (event->kind) {
    case PM_EVENT_ALLOCATED:
        add_new(ledger, event->block);
        break;
    case PM_EVENT_FREED:
        drop(ledger, event->before);
        break;
    case PM_EVENT_RESIZED:
        drop(ledger, event->before);
        if (event->block->origin == PM_BLOCK_CUSTOM)
            add(ledger, event->block);
        else
            add_new(ledger, event->block);
        break;
    case PM_EVENT_REUSED:
        if (event->block->address != event->before->address
                || event->block->bytes != event->before->bytes)
            note(ledger, "a reused block is another");
        drop(ledger, event->before);
        add(ledger, event->block);
        break;
    case PM_EVENT_FAILED:
        if (event->before != NULL)
            check_live(ledger, event->before);
        break;
    case PM_EVENT_UNKNOWN_FREE:
        if (pm_blocks_find(&ledger->blocks, event->arguments[0]) != NULL)
            note(ledger, "an event says that a live block is unknown");
        break;
    }
}

struct comparison {
    const struct pm_ledger *ledger;
    bool same;
};

static void compare_block(void *context, struct pm_block *block)
{
    struct comparison *comparison = context;
    const struct pm_block *known = pm_blocks_find(&comparison->ledger->blocks, block->address);

    if (known == NULL || !same_block(known, block))
        comparison->same = false;
}

const char *pm_ledger_compare(const struct pm_ledger *ledger, const struct pm_blocks *blocks,
                              const struct pm_sites *sites)
{
    struct comparison comparison = { .ledger = ledger, .same = true };

    if (ledger->wrong != NULL)
        return ledger->wrong;
    if (ledger->blocks.count != blocks->count
            || ledger->blocks.count + ledger->custom.count != sites->live_blocks)
        return "the ledger has another number of blocks than the tables";
    if (ledger->live_bytes != sites->live_bytes)
        return "the ledger has another number of bytes than the sites";
    pm_blocks_each(blocks, compare_block, &comparison);
    return comparison.same ? NULL : "the ledger and the table of blocks differ";
}
