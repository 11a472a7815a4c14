/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The last stage: a loss record for each leak. */
#include "tool/leaks/pm_leak_stages.h"

#include "base/pm_platform.h"
#include "tool/allocator/pm_allocator.h"
#include "tool/leaks/pm_leak_chains.h"
#include "tool/pm_run.h"

struct recording {
    struct pm_leak_state *check;
    struct pm_losses *losses;
    struct pm_map cycle_records;    /* leader of a garbage cycle -> its record */
    struct pm_leak_chains chains;
    struct pm_buffer text;          /* scratch */
};

/* A fork child reports only what it allocated itself, a search before finalization what was allocated in the
   interpreter's present life, and no search what was allocated while recording was off. */
static bool is_recorded(const struct pm_leak_state *check, u32 index)
{
    return pm_leak_allocated(check, index)->serial > check->recorded_after
        && pm_recording_has(&check->run->recording, pm_leak_allocated(check, index)->site);
}

static struct pm_loss_item item_of(const struct pm_leak_state *check, u32 index)
{
    const struct pm_leak_block *found = &check->found[index];
    const struct pm_leak_clique clique = found->kind == PM_LEAK_INDIRECT ? (struct pm_leak_clique){ 0 }
        : pm_leaks_clique(&check->leaks, index);
    const struct pm_block *block = pm_leak_allocated(check, index);

    return (struct pm_loss_item){
        .kind = check->verdicts[index].kind,
        .stack = pm_allocator_stack(check->run, block),
        .address = block->address,
        .bytes = pm_block_requested_bytes(block),
        .indirect_bytes = clique.bytes,
        .indirect_blocks = clique.blocks,
        .serial = block->serial,
        .thread = block->thread,
        .raising = block->raising,
        .leader = check->found[found->leader].address,
    };
}

/* What only an object has: type, preview, how many references are too many or too few. */
static void add_object(struct recording *to, u32 index, struct pm_loss_item *item)
{
    struct pm_leak_state *check = to->check;
    struct pm_object object;

    if (!pm_leak_identify(check, index, &object))
        return;
    item->references = object.references;
    item->pointers = check->found[index].references;
    item->overcounted = check->verdicts[index].reason == PM_REASON_COUNT_TOO_HIGH;
    if (item->kind == PM_LOSS_SURPLUS)
        item->surplus_references = object.references - check->found[index].references
            - object.kept_references;
    if (item->kind == PM_LOSS_DEFICIT)
        item->missing_references = pm_leak_missing_references(check, index, &object);
    item->type = pm_objects_type_name(&check->objects, object.type);
    pm_objects_preview(&check->objects, &object, &to->text);
    if (item->kind == PM_LOSS_DEFICIT) {
        const struct pm_leak_dangling *dangling = pm_leak_dangling_of(check, index, &item->dangling_words);
        if (item->dangling_words > 0)
            pm_leak_dangling_add(check, &object, dangling, &to->text);
    }
    item->note = pm_strings_take(&check->run->strings, &to->text);
}

/* Whether a chain of pointers explains the record. */
static bool has_chain(enum pm_loss_kind kind)
{
    return kind == PM_LOSS_SURPLUS || kind == PM_LOSS_DEFICIT || kind == PM_LOSS_REACHABLE || kind == PM_LOSS_POSSIBLE;
}

static void record_block(struct recording *to, u32 index)
{
    struct pm_loss_item item = item_of(to->check, index);

    add_object(to, index, &item);
    if (to->losses->lists_blocks)
        pm_leak_explain(to->check, index, &item.why);
    u32 record = pm_losses_add(to->losses, &item);
    if (item.kind == PM_LOSS_CYCLE)
        pm_map_put(&to->cycle_records, index, record);
    if (has_chain(item.kind))
        pm_leak_chains_note(&to->chains, index, record, item.type.v != 0);
}

static void count_reachable(struct recording *to, u32 index)
{
    struct pm_loss_sum *sum = &to->losses->sums[PM_LOSS_REACHABLE];

    sum->bytes += pm_block_requested_bytes(pm_leak_allocated(to->check, index));
    sum->blocks++;
}

/* A member of a garbage cycle also adds its type to the cycle's record. */
static void record_member(struct recording *to, u32 index)
{
    struct pm_leak_state *check = to->check;
    u32 leader = check->found[index].leader;
    struct pm_object object;

    if (check->found[index].cycle && is_recorded(check, leader)
            && check->verdicts[leader].kind == PM_LOSS_CYCLE
            && pm_leak_identify(check, index, &object))
        pm_losses_add_type(to->losses, (u32)*pm_map_get(&to->cycle_records, leader),
                           pm_objects_type_name(&check->objects, object.type));
    record_block(to, index);
}

/* A fork child cannot tell which references to static objects its parent gave back already. */
static void record_static_objects(struct recording *to)
{
    struct pm_leak_state *check = to->check;
    const struct pm_map *owners = &check->static_owners;
    struct pm_object object;

    if (check->run->fork_serial != 0)
        return;
    for (u64 i = 0; owners->count > 0 && i <= owners->mask; i++) {
        const struct pm_map_entry *entry = &owners->entries[i];
        if (entry->value == PM_MAP_EMPTY)
            continue;
        u64 missing = pm_leak_missing_static_references(check, entry->key, entry->value, &object);
        if (missing > 0)
            pm_losses_add(to->losses, &(struct pm_loss_item){
                .kind = PM_LOSS_DEFICIT,
                .is_static = true,
                .address = entry->key,
                .missing_references = missing,
                .type = pm_objects_type_name(&check->objects, object.type),
            });
    }
}

void pm_leak_record(struct pm_leak_state *check, bool all, struct pm_losses *losses)
{
    struct recording to = {
        .check = check,
        .losses = losses,
    };

    pm_map_init(&to.cycle_records);
    pm_buffer_init(&to.text);
    pm_leak_chains_init(&to.chains, check, losses);
    for (u32 i = 0; i < check->count; i++) {
        if (check->found[i].kind == PM_LEAK_INDIRECT || !is_recorded(check, i))
            continue;
        if (check->verdicts[i].kind == PM_LOSS_REACHABLE && !all)
            count_reachable(&to, i);
        else
            record_block(&to, i);
    }
    for (u32 i = 0; i < check->count; i++)
        if (check->found[i].kind == PM_LEAK_INDIRECT && is_recorded(check, i))
            record_member(&to, i);
    record_static_objects(&to);
    pm_leak_chains_add(&to.chains);
    pm_buffer_release(&to.text);
    pm_map_release(&to.cycle_records);
}
