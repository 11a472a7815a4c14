/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts the words that own each object for certain (cpython/pm_object_owned.h). An object with more owners than
   references is over-released: somebody gave back a reference that was not theirs, and the object will die
   while it is in use.

   Owners that are not counted (local variables, fields of extensions' structs) make the true deficit larger. So a
   deficit is real, and the number is the least possible one. */
#include "tool/leaks/pm_leak_stages.h"

#include "base/pm_platform.h"
#include "base/pm_ranks.h"
#include "tool/pm_run.h"

struct counting {
    struct pm_leak_state *check;
    struct pm_ranks shared;         /* blocks with a range that several objects may list, once it is counted; a block
                                       has one at most */
};

/* block: of the object that owns by the word; PM_LEAK_NONE: it is not in an object. */
static void count_word(struct pm_leak_state *check, u32 block, u64 word, u64 value)
{
    u32 at;

    if (value == 0 || value % sizeof value != 0)
        return;
    at = pm_leaks_block_at(&check->leaks, value);
    if (at == PM_LEAK_NONE) {
        const u64 *count = pm_map_get(&check->static_owners, value);
        pm_map_put(&check->static_owners, value, count == NULL ? 1 : *count + 1);
        if (block != PM_LEAK_NONE)
            pm_leak_dangling_note(check, block, word, value);
    } else if ((check->found[at].flags & PM_LEAK_OBJECT)
               && value == check->found[at].address + check->found[at].object_offset) {
        check->block_owners[at]++;
    }
}

/* The words of a table that its block has no room for are damaged, and those of static objects are not
   counted references. */
static bool is_in_block(const struct pm_leak_state *check, const struct pm_object_owned *range, u32 *at)
{
    *at = pm_leaks_block_at(&check->leaks, range->first);
    return *at != PM_LEAK_NONE && range->end - check->found[*at].address <= check->found[*at].bytes;
}

static void count_words(struct pm_leak_state *check, u32 block, const struct pm_object_owned *range)
{
    u64 value;

    for (u64 word = range->first; word < range->end; word += range->stride)
        if (pm_reader_read_u64(&check->run->reader, word, &value))
            count_word(check, block, word, value);
}

static void count_range(struct counting *counting, u32 block, const struct pm_object_owned *range)
{
    struct pm_leak_state *check = counting->check;
    u32 at;

    if (!is_in_block(check, range, &at))
        return;
    if (range->shared) {
        if (pm_ranks_has(&counting->shared, at))
            return;
        pm_ranks_set(&counting->shared, at);
    }
    count_words(check, block, range);
}

void pm_leak_count_owners(struct pm_leak_state *check)
{
    struct counting counting = { .check = check };
    struct pm_object_owned ranges[PM_OBJECT_OWNED_MAX];
    struct pm_object object;

    check->block_owners = pm_alloc_zero("pm.leak_check",
                                        (check->count + 1) * sizeof *check->block_owners);
    pm_ranks_init(&counting.shared, check->count);
    if (check->python)
        pm_leak_dangling_begin(check);
    for (u32 i = 0; i < check->count; i++) {
        if ((check->found[i].flags & PM_LEAK_OPAQUE) || !pm_leak_identify(check, i, &object))
            continue;
        u32 count = pm_objects_owned_words(&check->objects, &object, ranges);
        for (u32 k = 0; k < count; k++)
            count_range(&counting, i, &ranges[k]);
    }
    pm_ranks_release(&counting.shared);
    for (u32 i = 0; i < check->cached_name_tables; i++)
        count_words(check, PM_LEAK_NONE, &check->cached_names[i]);
}

/* Strings in the interpreter's dict of interned strings have fewer references than owners. */
u64 pm_leak_missing_references(const struct pm_leak_state *check, u32 index,
                               const struct pm_object *object)
{
    const u64 owners = check->block_owners[index];

    return object->immortal || object->interned || owners <= object->references ? 0
        : owners - object->references;
}

u64 pm_leak_missing_static_references(struct pm_leak_state *check, u64 address, u64 owners,
                                      struct pm_object *object)
{
    return !pm_objects_at(&check->objects, address, object) || object->immortal
            || owners <= object->references || !pm_objects_is_singleton(&check->objects, object)
        ? 0 : owners - object->references;
}
