/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The first stages: which blocks there are, which objects are in them, and which memory
   belongs to these objects. */
#include "tool/leaks/pm_leak_stages.h"

#include "base/pm_platform.h"
#include "base/pm_sort.h"
#include "tool/pm_run.h"

enum { MAX_PARTS = 4 };

struct collecting {
    struct pm_block *blocks;
    u32 count, capacity;
};

static void collect_block(void *context, struct pm_block *block)
{
    struct collecting *to = context;

    if (to->count == to->capacity) {
        to->capacity = to->capacity ? to->capacity * 2 : 4096;
        to->blocks = pm_realloc("pm.leak_check", to->blocks, to->capacity * sizeof *to->blocks);
    }
    to->blocks[to->count++] = *block;
}

void pm_leak_collect_blocks(struct pm_leak_state *check)
{
    struct collecting to = { 0 };

    pm_blocks_each(&check->run->blocks, collect_block, &to);
    pm_custom_blocks_each(&check->run->custom, collect_block, &to);
    struct pm_keyed *order = pm_alloc("pm.leak_check", (to.count + 1) * sizeof *order);
    for (u32 i = 0; i < to.count; i++)
        order[i] = (struct pm_keyed){ to.blocks[i].address, i };
    pm_sort_keyed(order, to.count);
    check->count = to.count;
    check->allocated = pm_alloc("pm.leak_check", (to.count + 1) * sizeof *check->allocated);
    for (u32 i = 0; i < to.count; i++)
        check->allocated[i] = to.blocks[order[i].item];
    if (check->run->custom.live > 0)
        check->count = pm_custom_blocks_resolve(check->allocated, to.count);
    pm_free(order);
    pm_free(to.blocks);
}

u64 pm_leak_hook_prefix(const struct pm_leak_state *check, u32 index)
{
    const struct pm_layout *layout = check->run->python.interpreter.layout;
    return check->allocated[index].padding_units > 0 && layout != NULL
        ? layout->hook_prefix_bytes : 0;
}

bool pm_leak_identify(struct pm_leak_state *check, u32 index, struct pm_object *object)
{
    const struct pm_block *block = &check->allocated[index];

    return check->python && (check->found[index].flags & PM_LEAK_OBJECT) != 0
        && pm_objects_identify(&check->objects, block->address, block->bytes,
                               pm_leak_hook_prefix(check, index), object);
}

static void add_weak_words(struct pm_leak_state *check, u32 index, const struct pm_object *object)
{
    struct pm_object_words words[PM_OBJECT_WEAK_WORDS_MAX];
    u32 count = pm_objects_weak_words(&check->objects, object, words, PM_OBJECT_WEAK_WORDS_MAX);

    for (u32 i = 0; i < count; i++)
        pm_leak_weak_add(&check->weak, index, words[i].memory, words[i].first, words[i].end,
                         words[i].stride);
}

static void describe_block(struct pm_leak_state *check, u32 index)
{
    const struct pm_block *block = &check->allocated[index];
    u64 prefix = pm_leak_hook_prefix(check, index);
    struct pm_leak_block *found = &check->found[index];
    struct pm_object object;

    *found = (struct pm_leak_block){
        .address = block->address,
        .bytes = block->bytes,
    };
    if (!check->run->options.python_objects)
        return;
    if (prefix > 0 && prefix < block->bytes) {
        found->object_offset = (u32)prefix;
        found->hidden_to = (u32)prefix;
        found->flags |= PM_LEAK_HEADER_HIDDEN;
    }
    found->flags |= PM_LEAK_OBJECT;
    if (!pm_leak_identify(check, index, &object)) {
        found->flags &= (u32)~PM_LEAK_OBJECT;
        return;
    }
    found->object_offset = object.offset;
    found->flags |= object.opaque ? PM_LEAK_OPAQUE | PM_LEAK_START_ONLY : 0;
    add_weak_words(check, index, &object);
    if (object.linked) {
        found->flags |= PM_LEAK_HEADER_HIDDEN;
        found->hidden_from = object.collector_from;
        found->hidden_to = object.collector_to;
    }
}

void pm_leak_describe_objects(struct pm_leak_state *check)
{
    check->found = pm_alloc("pm.leak_check", (check->count + 1) * sizeof *check->found);
    for (u32 i = 0; i < check->count; i++)
        describe_block(check, i);
    check->leaks.blocks = check->found;
    check->leaks.block_count = check->count;
}

static void mark_part(struct pm_leak_state *check, u32 index, u64 part, u32 owner)
{
    struct pm_leak_block *block = &check->found[index];
    u64 prefix = pm_leak_hook_prefix(check, index);

    /* It is no object, though words in it, or of what was there before, may look like one. */
    block->flags &= (u32)~(PM_LEAK_OBJECT | PM_LEAK_OPAQUE | PM_LEAK_HEADER_HIDDEN);
    block->flags |= prefix > 0 ? PM_LEAK_HEADER_HIDDEN : 0;
    /* The object owns it by the pointer to its start. Other pointers into it are borrowed. */
    block->flags |= PM_LEAK_START_ONLY;
    block->hidden_from = 0;
    block->hidden_to = (u32)prefix;
    block->object_offset = (u32)(part - block->address);
    check->owners[index] = owner;
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
        if (at == PM_LEAK_NONE || check->owners[at] != PM_LEAK_NONE)
            break;
        mark_part(check, at, part, owner);
        part = pm_objects_deque_block(&check->objects, deque, part);
    }
}

/* Why an object is alive is told best from its module on. */
static void prefer_modules(struct pm_leak_state *check, const struct pm_object *object)
{
    struct pm_leaks *leaks = &check->leaks;
    const u64 modules = pm_objects_modules(&check->objects, object);
    const u32 block = modules != 0 ? pm_leaks_block_at(leaks, modules) : PM_LEAK_NONE;
    bool known = block == PM_LEAK_NONE || leaks->preferred_count == PM_LEAK_PREFERRED_MOST;

    for (u32 i = 0; i < leaks->preferred_count; i++)
        known |= leaks->preferred[i] == block;
    if (!known)
        leaks->preferred[leaks->preferred_count++] = block;
}

/* Memory that belongs to an object may be known only by a pointer into its middle: attributes
   of an instance in 3.11 begin behind the bytes that tell their order. Then that pointer is the
   start pointer. */
void pm_leak_mark_parts(struct pm_leak_state *check)
{
    struct pm_object object;
    u64 parts[MAX_PARTS];

    check->owners = pm_alloc("pm.leak_check", (check->count + 1) * sizeof *check->owners);
    for (u32 i = 0; i < check->count; i++)
        check->owners[i] = PM_LEAK_NONE;
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
        prefer_modules(check, &object);
    }
}
