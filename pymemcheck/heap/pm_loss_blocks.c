/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heap/pm_loss_blocks.h"

#include "base/pm_platform.h"
#include "base/pm_sort.h"

void pm_loss_blocks_release(struct pm_loss_blocks *blocks)
{
    pm_free(blocks->entries);
    pm_free(blocks->by_leader);
    *blocks = (struct pm_loss_blocks){ 0 };
}

void pm_loss_blocks_add(struct pm_loss_blocks *blocks, const struct pm_loss_block *block)
{
    if (blocks->count == blocks->capacity) {
        blocks->capacity = blocks->capacity ? blocks->capacity * 2 : 64;
        blocks->entries = pm_realloc("pm.loss_blocks", blocks->entries,
                                     blocks->capacity * sizeof *blocks->entries);
    }
    blocks->entries[blocks->count++] = *block;
}

/* Sorts the entries by address, then by record: the sort is stable. */
static void sort_entries(struct pm_loss_blocks *blocks)
{
    u32 count = blocks->count;
    struct pm_keyed *order = pm_alloc("pm.loss_blocks", (count + 1) * sizeof *order);
    struct pm_loss_block *sorted = pm_alloc("pm.loss_blocks", (count + 1) * sizeof *sorted);

    for (u32 i = 0; i < count; i++)
        order[i] = (struct pm_keyed){ blocks->entries[i].address, i };
    pm_sort_keyed(order, count);
    for (u32 i = 0; i < count; i++)
        order[i].key = blocks->entries[order[i].item].record;
    pm_sort_keyed(order, count);
    for (u32 i = 0; i < count; i++)
        sorted[i] = blocks->entries[order[i].item];
    pm_free(order);
    pm_free(blocks->entries);
    blocks->entries = sorted;
    blocks->capacity = count + 1;
}

static void sort_by_leader(struct pm_loss_blocks *blocks)
{
    struct pm_keyed *order = pm_alloc("pm.loss_blocks", (blocks->count + 1) * sizeof *order);
    u32 count = 0;

    for (u32 i = 0; i < blocks->count; i++)
        if (blocks->entries[i].leader != blocks->entries[i].address)
            order[count++] = (struct pm_keyed){ blocks->entries[i].leader, i };
    pm_sort_keyed(order, count);
    pm_free(blocks->by_leader);
    blocks->by_leader = pm_alloc("pm.loss_blocks", (count + 1) * sizeof *blocks->by_leader);
    for (u32 i = 0; i < count; i++)
        blocks->by_leader[i] = order[i].item;
    blocks->by_leader_count = count;
    pm_free(order);
}

void pm_loss_blocks_sort(struct pm_loss_blocks *blocks, const u32 *new_record)
{
    for (u32 i = 0; i < blocks->count; i++)
        blocks->entries[i].record = new_record[blocks->entries[i].record];
    sort_entries(blocks);
    sort_by_leader(blocks);
}

/* The first of count numbers in ascending order, given by number(), that is not below value. */
static u32 first_not_below(const struct pm_loss_blocks *blocks, u32 count, u64 value,
                           u64 (*number)(const struct pm_loss_blocks *blocks, u32 index))
{
    u32 low = 0, high = count;

    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (number(blocks, middle) < value)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static u64 record_at(const struct pm_loss_blocks *blocks, u32 index)
{
    return blocks->entries[index].record;
}

static u64 leader_at(const struct pm_loss_blocks *blocks, u32 index)
{
    return blocks->entries[blocks->by_leader[index]].leader;
}

const struct pm_loss_block *pm_loss_blocks_of(const struct pm_loss_blocks *blocks, u32 record,
                                              u32 *count)
{
    u32 first = first_not_below(blocks, blocks->count, record, record_at);

    *count = first_not_below(blocks, blocks->count, (u64)record + 1, record_at) - first;
    return blocks->entries + first;
}

const u32 *pm_loss_blocks_led_by(const struct pm_loss_blocks *blocks, u64 leader, u32 *count)
{
    u32 first = first_not_below(blocks, blocks->by_leader_count, leader, leader_at);

    *count = first_not_below(blocks, blocks->by_leader_count, leader + 1, leader_at) - first;
    return blocks->by_leader + first;
}

static void add_count(struct pm_buffer *out, u64 count, const char *noun)
{
    pm_buffer_add_u64_grouped(out, count);
    pm_buffer_add_char(out, ' ');
    pm_buffer_add_text(out, noun);
    if (count != 1)
        pm_buffer_add_char(out, 's');
}

static void add_count_reason(struct pm_buffer *out, const struct pm_loss_why *why)
{
    if (why->found == 0)
        pm_buffer_add_text(out, "nothing points to it, ");
    pm_buffer_add_text(out, "its count is ");
    pm_buffer_add_u64_grouped(out, why->count);
    if (why->found > 0) {
        pm_buffer_add_text(out, ", ");
        add_count(out, why->found, "pointer");
        pm_buffer_add_text(out, why->found == 1 ? " to it was found" : " to it were found");
    }
    if (why->interpreter_count > 0) {
        pm_buffer_add_text(out, ", and the interpreter took ");
        add_count(out, why->interpreter_count, "reference");
    }
}

void pm_loss_why_add(struct pm_buffer *out, const struct pm_strings *strings,
                     const struct pm_loss_why *why)
{
    /* A text that ends with a space goes on with the place or address of the pointer. */
    static const char *const texts[PM_REASONS] = {
        [PM_REASON_NO_POINTER] = "nothing points to it",
        [PM_REASON_OWN_CYCLE] = "only the cycle that it is in points to it",
        [PM_REASON_LOST_POINTERS] = "only lost blocks that it leads to point to it",
        [PM_REASON_COUNT_ZERO] = "its count is 0: it waits in a free list that is lost",
        [PM_REASON_INTERNED_AGAIN] = "interned by an interpreter that was destroyed",
        [PM_REASON_CYCLE] = "only its cycle points to it, the counts agree,"
                            " and the collector cannot free it",
        [PM_REASON_INTERIOR_POINTER] = "only interior pointers to it were found: ",
        [PM_REASON_POSSIBLE_OWNER] = "only possibly lost blocks lead to it: pointer at ",
        [PM_REASON_LOST_OWNER] = "lost with ",
        [PM_REASON_IMMORTAL] = "immortal",
        [PM_REASON_INTERNED] = "interned by the interpreter",
        [PM_REASON_INTERPRETER_COUNT] = "the interpreter took ",
        [PM_REASON_COLLECTABLE_CYCLE] = "in a cycle that the collector can free",
        [PM_REASON_INTERPRETER_OWNER] = "belongs to ",
        [PM_REASON_ROOT] = "a root points to it: ",
        [PM_REASON_REACHABLE_OWNER] = "a reachable block points to it: pointer at ",
        [PM_REASON_HEURISTIC] = "a heuristic accepts an interior pointer to it: ",
        [PM_REASON_BEFORE_FORK] = "allocated before the fork: in no record",
    };
    const char *text = texts[why->reason];

    if (why->reason == PM_REASON_COUNT_TOO_HIGH) {
        add_count_reason(out, why);
        return;
    }
    pm_buffer_add_text(out, text);
    if (why->reason == PM_REASON_INTERPRETER_COUNT) {
        add_count(out, why->interpreter_count, "reference");
        pm_buffer_add_text(out, " to it for ever");
    } else if (text[pm_length(text) - 1] == ' ') {
        if (why->place.v != 0) {
            pm_buffer_add_text(out, pm_strings_text(strings, why->place));
        } else {
            pm_buffer_add_text(out, "0x");
            pm_buffer_add_hex(out, why->address);
        }
    }
}

void pm_loss_block_add(struct pm_buffer *out, const struct pm_strings *strings,
                       const struct pm_loss_block *block)
{
    pm_buffer_add_text(out, "0x");
    pm_buffer_add_hex(out, block->address);
    pm_buffer_add_char(out, '[');
    pm_buffer_add_u64(out, block->bytes);
    pm_buffer_add_char(out, ']');
    if (block->type.v != 0) {
        pm_buffer_add_char(out, ' ');
        pm_buffer_add_text(out, pm_strings_text(strings, block->type));
    }
    pm_buffer_add_text(out, ": ");
    pm_loss_why_add(out, strings, &block->why);
}
