/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stages: what is no reference in the interpreter's static memory and in its caches. */
#include "pub_tool_basics.h"

#include "tool/leaks/pm_leak_stages.h"

#include "base/pm_platform.h"
#include "cpython/pm_object_caches.h"
#include "cpython/pm_object_static.h"
#include "tool/pm_memory.h"
#include "tool/pm_run.h"

enum { WORD = sizeof(u64) };

struct mappings {
    struct pm_leak_state *check;
    u64 low, high;                  /* of all of them */
};

static void widen(void *context, u64 low, u64 high)
{
    struct mappings *all = context;

    all->low = all->high == 0 || low < all->low ? low : all->low;
    all->high = high > all->high ? high : all->high;
}

static void hide_range(void *context, u64 start, u64 end)
{
    pm_leak_hide(context, start, end);
}

static void hide_objects(void *context, u64 low, u64 high)
{
    const struct mappings *all = context;
    const struct pm_object_static_visitor visitor = { hide_range, all->check };

    pm_objects_each_static(&all->check->objects, low, high, all->low, all->high, &visitor);
}

void pm_leak_hide_static_objects(struct pm_leak_state *check)
{
    struct mappings all = { .check = check };

    if (!check->python)
        return;
    pm_free_lists_static_mappings(check->objects.metatype, widen, &all);
    pm_free_lists_static_mappings(check->objects.metatype, hide_objects, &all);
}

static void hide_word(void *context, u64 address)
{
    pm_leak_hide(context, address, address + WORD);
}

static void note_names(void *context, u64 first, u64 end, u32 stride)
{
    struct pm_leak_state *check = context;

    check->cached_names = pm_realloc("pm.leak_check", check->cached_names,
                                     (check->cached_name_tables + 1) * sizeof *check->cached_names);
    check->cached_names[check->cached_name_tables++] = (struct pm_object_owned){ first, end, stride, false };
}

static void hide_static_caches(void *context, u64 low, u64 high)
{
    struct pm_leak_state *check = context;
    const struct pm_object_cache_visitor visitor = { hide_word, note_names, check };

    pm_objects_each_cache_word(&check->objects, low, high, &visitor);
}

static void hide_word_of_block(void *context, u64 address)
{
    struct pm_leak_state *check = context;
    pm_leak_weak_add(&check->weak, &check->leaks, PM_LEAK_NONE, address, address, address + WORD, WORD);
}

/* The interpreter's state is static or a block, and that of a subinterpreter is a block. All
   large blocks are read, so pages that the program never wrote to must stay untouched. */
void pm_leak_hide_caches(struct pm_leak_state *check)
{
    const struct pm_object_cache_visitor visitor = { hide_word_of_block, note_names, check };

    if (!check->python)
        return;
    struct pm_reader *reader = check->objects.reader;
    check->objects.reader = &check->scan->reader;
    pm_free_lists_static_mappings(check->objects.metatype, hide_static_caches, check);
    for (u32 i = 0; i < check->count; i++) {
        const struct pm_leak_block *block = &check->found[i];
        if (!(block->flags & PM_LEAK_OBJECT) && pm_leak_owner(check, i) == PM_LEAK_NONE
                && block->bytes >= PM_OBJECT_CACHE_BYTES)
            pm_objects_each_cache_word(&check->objects, (block->address + WORD - 1) & ~(u64)(WORD - 1),
                                       (block->address + block->bytes) & ~(u64)(WORD - 1), &visitor);
    }
    check->objects.reader = reader;
}
