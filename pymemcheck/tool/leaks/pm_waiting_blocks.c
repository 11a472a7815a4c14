/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys are known by what is in them. A deque's block has no mark of its own: it waits if it has the right size, no deque
   has it, and the interpreter's static memory points to it (freeblocks[], Modules/_collectionsmodule.c,
   up to 3.11). */
#include "pub_tool_basics.h"

#include "tool/leaks/pm_waiting_blocks.h"

#include "tool/pm_run.h"
#include "tool/leaks/pm_free_lists.h"

struct marking {
    struct pm_run *run;
    struct pm_objects *objects;
    struct pm_leaks *leaks;
    const struct pm_block *blocks;
    const bool *is_part;
};

static u64 start_of(const struct marking *marking, u32 index)
{
    const struct pm_block *block = &marking->blocks[index];
    return block->address + (block->padding_units > 0 ? marking->objects->layout->hook_prefix_bytes : 0);
}

static bool may_be_deque_block(const struct marking *marking, u32 index)
{
    return !(marking->leaks->blocks[index].flags & PM_LEAK_OBJECT) && !marking->is_part[index]
        && pm_block_requested_bytes(&marking->blocks[index])
            == pm_objects_deque_block_bytes(marking->objects);
}

static void on_static_word(void *context, u64 word)
{
    struct marking *marking = context;
    u32 index = pm_leaks_block_at(marking->leaks, word);

    if (index != PM_LEAK_NONE && word == start_of(marking, index) && may_be_deque_block(marking, index))
        marking->leaks->blocks[index].flags |= PM_LEAK_OPAQUE;
}

void pm_waiting_blocks_mark(struct pm_run *run, struct pm_objects *objects, struct pm_leaks *leaks,
                      const struct pm_block *blocks, const bool *is_part)
{
    struct marking marking = { run, objects, leaks, blocks, is_part };
    bool deque_blocks = false;

    for (u32 i = 0; i < leaks->block_count; i++) {
        if ((leaks->blocks[i].flags & PM_LEAK_OBJECT) || is_part[i])
            continue;
        if (pm_objects_are_idle_keys(objects, start_of(&marking, i), pm_block_requested_bytes(&blocks[i])))
            leaks->blocks[i].flags |= PM_LEAK_OPAQUE;
        deque_blocks |= pm_objects_deque_block_bytes(objects) != 0 && may_be_deque_block(&marking, i);
    }
    if (deque_blocks)
        pm_free_lists_static_words(run, objects->metatype, on_static_word, &marking);
}
