/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The first stages: which blocks there are, which objects are in them, and which memory
   belongs to these objects. */
#include "tool/leaks/pm_leak_stages.h"

#include "base/pm_platform.h"
#include "base/pm_sort.h"
#include "tool/pm_run.h"

enum { MAX_PARTS = 4, WORD = 8 };

static void add_block(void *context, struct pm_block *block)
{
    struct pm_leak_state *check = context;

    check->found[check->count++] = (struct pm_leak_block){
        .address = block->address,
        .bytes = block->bytes,
        .flags = block->origin == PM_BLOCK_CUSTOM ? PM_LEAK_CUSTOM : 0,
    };
}

/* --- Blocks of the program's own allocators --- */

struct collecting {
    struct pm_block *blocks;
    u32 count;
};

static void collect_block(void *context, struct pm_block *block)
{
    struct collecting *to = context;
    to->blocks[to->count++] = *block;
}

/* Copies all blocks, since some of them give way to others. Copies of the custom ones are kept. */
static void collect_with_custom(struct pm_leak_state *check)
{
    struct pm_run *run = check->run;
    const u64 all = run->blocks.count + run->custom.live;
    struct collecting to = { .blocks = pm_alloc("pm.leak_check", (all + 1) * sizeof *to.blocks) };
    struct pm_block *sorted = pm_alloc("pm.leak_check", (all + 1) * sizeof *sorted);
    struct pm_keyed *order = pm_alloc("pm.leak_check", (all + 1) * sizeof *order);

    pm_blocks_each(&run->blocks, collect_block, &to);
    pm_custom_blocks_each(&run->custom, collect_block, &to);
    for (u32 i = 0; i < to.count; i++)
        order[i] = (struct pm_keyed){ to.blocks[i].address, i };
    pm_sort_keyed(order, to.count);
    for (u32 i = 0; i < to.count; i++)
        sorted[i] = to.blocks[order[i].item];
    const u32 kept = pm_custom_blocks_resolve(sorted, to.count);
    check->custom = pm_alloc("pm.leak_check", (run->custom.live + 1) * sizeof *check->custom);
    for (u32 i = 0; i < kept; i++) {
        add_block(check, &sorted[i]);
        if (sorted[i].origin == PM_BLOCK_CUSTOM)
            check->custom[check->custom_count++] = sorted[i];
    }
    pm_free(order);
    pm_free(sorted);
    pm_free(to.blocks);
}

void pm_leak_collect_blocks(struct pm_leak_state *check)
{
    struct pm_run *run = check->run;

    check->found = pm_alloc("pm.leak_check", (run->blocks.count + run->custom.live + 1) * sizeof *check->found);
    if (run->custom.live > 0)
        collect_with_custom(check);
    else
        pm_blocks_each_ascending(&run->blocks, add_block, check);
    check->leaks.blocks = check->found;
    check->leaks.block_count = check->count;
}

static const struct pm_block *find_custom(const struct pm_leak_state *check, u64 address)
{
    u32 low = 0, high = check->custom_count;

    while (high - low > 1) {
        const u32 middle = low + (high - low) / 2;
        if (check->custom[middle].address <= address)
            low = middle;
        else
            high = middle;
    }
    return &check->custom[low];
}

const struct pm_block *pm_leak_allocated(const struct pm_leak_state *check, u32 index)
{
    const struct pm_leak_block *found = &check->found[index];
    return found->flags & PM_LEAK_CUSTOM ? find_custom(check, found->address)
        : pm_blocks_find(&check->run->blocks, found->address);
}

u64 pm_leak_hook_prefix(const struct pm_leak_state *check, u32 index)
{
    const struct pm_layout *layout = check->run->python.interpreter.layout;
    return pm_leak_allocated(check, index)->padding_units > 0 && layout != NULL
        ? layout->hook_prefix_bytes : 0;
}

bool pm_leak_identify(struct pm_leak_state *check, u32 index, struct pm_object *object)
{
    const struct pm_leak_block *block = &check->found[index];

    return check->python && (check->found[index].flags & PM_LEAK_OBJECT) != 0
        && pm_objects_identify(&check->objects, block->address, block->bytes,
                               pm_leak_hook_prefix(check, index), object);
}

static void add_weak_words(struct pm_leak_state *check, u32 index, const struct pm_object *object)
{
    struct pm_object_words words[PM_OBJECT_WEAK_WORDS_MAX];
    u32 count = pm_objects_weak_words(&check->objects, object, words, PM_OBJECT_WEAK_WORDS_MAX);

    for (u32 i = 0; i < count; i++)
        pm_leak_weak_add(&check->weak, &check->leaks, index, words[i].memory, words[i].first, words[i].end,
                         words[i].stride);
}

/* Headers are far smaller than what there is room for, unless a layout is damaged. */
static void hide(struct pm_leak_block *block, u64 from, u64 to)
{
    const u64 first = from / WORD, end = (to + WORD - 1) / WORD;

    block->hidden_first = (first < PM_LEAK_MAX_HIDDEN_WORD ? first : PM_LEAK_MAX_HIDDEN_WORD) & PM_LEAK_MAX_HIDDEN_WORD;
    block->hidden_end = (end < PM_LEAK_MAX_HIDDEN_WORD ? end : PM_LEAK_MAX_HIDDEN_WORD) & PM_LEAK_MAX_HIDDEN_WORD;
}

static void describe_block(struct pm_leak_state *check, u32 index)
{
    u64 prefix = pm_leak_hook_prefix(check, index);
    struct pm_leak_block *found = &check->found[index];
    struct pm_object object;

    if (!check->run->options.python_objects)
        return;
    if (prefix > 0 && prefix < found->bytes) {
        found->object_offset = prefix & PM_LEAK_MAX_OBJECT_OFFSET;
        hide(found, 0, prefix);
        found->flags |= PM_LEAK_HEADER_HIDDEN;
    }
    found->flags |= PM_LEAK_OBJECT;
    if (!pm_leak_identify(check, index, &object)) {
        found->flags &= (u8)~PM_LEAK_OBJECT;
        return;
    }
    found->object_offset = object.offset & PM_LEAK_MAX_OBJECT_OFFSET;
    found->flags |= object.opaque ? PM_LEAK_OPAQUE | PM_LEAK_START_ONLY : 0;
    add_weak_words(check, index, &object);
    if (object.linked) {
        found->flags |= PM_LEAK_HEADER_HIDDEN;
        hide(found, object.collector_from, object.collector_to);
    }
}

void pm_leak_describe_objects(struct pm_leak_state *check)
{
    for (u32 i = 0; i < check->count; i++)
        describe_block(check, i);
}

static void mark_part(struct pm_leak_state *check, u32 index, u64 part, u32 owner)
{
    struct pm_leak_block *block = &check->found[index];
    u64 prefix = pm_leak_hook_prefix(check, index);

    if (part - block->address > PM_LEAK_MAX_OBJECT_OFFSET)
        return;
    /* It is no object, though words in it, or of what was there before, may look like one. */
    block->flags &= (u8)~(PM_LEAK_OBJECT | PM_LEAK_OPAQUE | PM_LEAK_HEADER_HIDDEN);
    block->flags |= prefix > 0 ? PM_LEAK_HEADER_HIDDEN : 0;
    /* The object owns it by the pointer to its start. Other pointers into it are borrowed. */
    block->flags |= PM_LEAK_START_ONLY;
    hide(block, 0, prefix);
    block->object_offset = (part - block->address) & PM_LEAK_MAX_OBJECT_OFFSET;
    /* Its references are not counted. */
    block->references = owner + 1;
}

/* From 3.13 on the values of a dict may be inside the instance whose __dict__ it is. */
static bool is_inside_object(const struct pm_leak_state *check, u32 at, u64 part)
{
    const struct pm_leak_block *block = &check->found[at];

    return check->run->python.interpreter.layout->at.type_inline_values_bit != PM_LAYOUT_ABSENT
        && (block->flags & PM_LEAK_OBJECT) != 0 && part > block->address + block->object_offset;
}

/* The blocks of a deque are linked. */
static void mark_deque(struct pm_leak_state *check, const struct pm_object *deque, u32 owner)
{
    u64 part = pm_objects_deque_block(&check->objects, deque, 0);

    while (part != 0) {
        u32 at = pm_leaks_block_at(&check->leaks, part);
        if (at == PM_LEAK_NONE || pm_leak_owner(check, at) != PM_LEAK_NONE)
            break;
        mark_part(check, at, part, owner);
        part = pm_objects_deque_block(&check->objects, deque, part);
    }
}

/* Memory that belongs to an object may be known only by a pointer into its middle: attributes
   of an instance in 3.11 begin behind the bytes that tell their order. Then that pointer is the
   start pointer. */
void pm_leak_mark_parts(struct pm_leak_state *check)
{
    struct pm_object object;
    u64 parts[MAX_PARTS];

    for (u32 i = 0; i < check->count && check->python; i++) {
        if (!(check->found[i].flags & PM_LEAK_OBJECT) || (check->found[i].flags & PM_LEAK_OPAQUE)
                || !pm_leak_identify(check, i, &object))
            continue;
        u32 count = pm_objects_parts(&check->objects, &object, parts, MAX_PARTS);
        for (u32 k = 0; k < count; k++) {
            u32 at = pm_leaks_block_at(&check->leaks, parts[k]);
            if (at != PM_LEAK_NONE && !is_inside_object(check, at, parts[k]))
                mark_part(check, at, parts[k], i);
        }
        mark_deque(check, &object, i);
    }
}
