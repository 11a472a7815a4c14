/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dict keys are known by their content. A deque's block has no mark of its own: it waits if it
   has the right size, belongs to no deque, and the interpreter's static memory points to it
   (freeblocks[], Modules/_collectionsmodule.c, up to 3.11). */
#include "tool/leaks/pm_waiting_blocks.h"

#include "tool/leaks/pm_free_lists.h"

static const struct pm_block *allocated(const struct pm_waiting_blocks *waiting, u32 index)
{
    return waiting->allocated(waiting->context, index);
}

static u64 start_of(const struct pm_waiting_blocks *waiting, u32 index)
{
    const struct pm_block *block = allocated(waiting, index);
    return block->address
        + (block->padding_units > 0 ? waiting->objects->layout->hook_prefix_bytes : 0);
}

/* Whether the block is neither an object nor known to belong to one (pm_leak_owner). */
static bool is_free_standing(const struct pm_waiting_blocks *waiting, u32 index)
{
    const struct pm_leak_block *block = &waiting->leaks->blocks[index];

    return !(block->flags & PM_LEAK_OBJECT) && block->references == 0;
}

static bool may_be_deque_block(const struct pm_waiting_blocks *waiting, u32 index)
{
    return is_free_standing(waiting, index)
        && pm_block_requested_bytes(allocated(waiting, index))
            == pm_objects_deque_block_bytes(waiting->objects);
}

static void on_static_word(void *context, u64 word)
{
    struct pm_waiting_blocks *waiting = context;
    u32 index = pm_leaks_block_at(waiting->leaks, word);

    if (index != PM_LEAK_NONE && word == start_of(waiting, index)
            && may_be_deque_block(waiting, index))
        waiting->leaks->blocks[index].flags |= PM_LEAK_OPAQUE;
}

void pm_waiting_blocks_mark(struct pm_waiting_blocks *waiting)
{
    struct pm_objects *objects = waiting->objects;
    struct pm_leaks *leaks = waiting->leaks;
    bool deque_blocks = false;

    for (u32 i = 0; i < leaks->block_count; i++) {
        if (!is_free_standing(waiting, i))
            continue;
        if (pm_objects_are_idle_keys(objects, start_of(waiting, i),
                                     pm_block_requested_bytes(allocated(waiting, i))))
            leaks->blocks[i].flags |= PM_LEAK_OPAQUE;
        deque_blocks |= pm_objects_deque_block_bytes(objects) != 0
            && may_be_deque_block(waiting, i);
    }
    if (deque_blocks)
        pm_free_lists_static_words(objects->reader, objects->metatype, on_static_word, waiting);
}
