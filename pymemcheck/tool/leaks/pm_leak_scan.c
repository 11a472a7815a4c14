/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stages in the middle: what is no reference is hidden, roots are collected, and the
   search runs. */
#include "pub_tool_basics.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_libcfile.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_libcproc.h"
#include "pub_tool_vki.h"

#include "tool/leaks/pm_leak_stages.h"

#include "base/pm_platform.h"
#include "tool/leaks/pm_waiting_blocks.h"
#include "tool/pm_memory.h"
#include "tool/pm_run.h"

enum { PROGRESS_AFTER_MS = 3000, PROGRESS_EVERY_MS = 1000 };

static const struct pm_block *allocated(const void *context, u32 index)
{
    return pm_leak_allocated(context, index);
}

void pm_leak_hide_waiting_blocks(struct pm_leak_state *check)
{
    struct pm_waiting_blocks waiting = {
        .objects = &check->objects,
        .leaks = &check->leaks,
        .allocated = allocated,
        .context = check,
    };

    if (check->python)
        pm_waiting_blocks_mark(&waiting);
}

void pm_leak_hide(struct pm_leak_state *check, u64 start, u64 end)
{
    if (check->hidden_count == check->hidden_capacity) {
        check->hidden_capacity = check->hidden_capacity ? check->hidden_capacity * 2 : 64;
        check->hidden = pm_realloc("pm.leak_check", check->hidden,
                                   check->hidden_capacity * sizeof *check->hidden);
    }
    check->hidden[check->hidden_count++] = (struct pm_range){ start, end };
}

static bool is_part(void *context, u64 address)
{
    const struct pm_leak_state *check = context;
    u32 at = pm_leaks_block_at(&check->leaks, address);
    return at != PM_LEAK_NONE && pm_leak_owner(check, at) != PM_LEAK_NONE;
}

static void hide_left_over(void *context, u64 address)
{
    struct pm_leak_state *check = context;

    if (pm_leaks_block_at(&check->leaks, address) != PM_LEAK_NONE)
        pm_leak_weak_add(&check->weak, &check->leaks, PM_LEAK_NONE, address, address, address + sizeof(u64),
                         sizeof(u64));
    pm_leak_hide(check, address, address + sizeof(u64));
}

void pm_leak_hide_left_over_pointers(struct pm_leak_state *check)
{
    const struct pm_free_lists_visitor visitor = { hide_left_over, is_part, check };
    pm_free_lists_each_left_over(&check->run->free_lists, &visitor);
}

void pm_leak_hide_weak_words(struct pm_leak_state *check)
{
    pm_leak_weak_bind(&check->weak, &check->leaks);
}

void pm_leak_collect_roots(struct pm_leak_state *check)
{
    struct pm_run *run = check->run;
    const struct pm_roots_request request = {
        .python = &run->python,
        .reader = &run->reader,
        .python_frames = run->python.state == PM_PYTHON_READY && run->options.python_objects,
        .hidden = check->hidden,
        .hidden_count = check->hidden_count,
    };

    pm_roots_collect(&run->roots, &request);
    check->leaks.roots = run->roots.entries;
    check->leaks.root_count = run->roots.count;
}

static bool is_weak_word(void *context, u32 block, u64 address)
{
    const struct pm_leak_state *check = context;
    return pm_leak_weak_holds(&check->weak, &check->leaks, block, address);
}

static bool is_vtable(void *context, u64 address)
{
    const struct pm_leak_state *check = context;
    return pm_memory_is_vtable(&check->run->reader, address);
}

/* A word leads to no live block. If it leads to free memory, the next block there would pass for one that is reachable. */
static void hold_back(void *context, u64 value)
{
    struct pm_leak_state *check = context;
    pm_slabs_hold_back(&check->run->blocks.slabs, value);
}

static bool is_terminal(int fd)
{
    struct vg_stat status;
    return VG_(fstat)(fd, &status) == 0 && VKI_S_ISCHR(status.mode);
}

/* A line on the terminal each second, once the search has run for some seconds. It does not go
   to the log, which is for results. */
static void show_progress(void *context, u64 done_bytes, u64 all_bytes)
{
    struct pm_leak_state *check = context;
    u32 now_ms = VG_(read_millisecond_timer)();
    HChar line[80];

    if (now_ms < check->next_progress_ms || all_bytes == 0 || !is_terminal(2))
        return;
    check->next_progress_ms = now_ms + PROGRESS_EVERY_MS;
    VG_(sprintf)(line, "pymemcheck: searching for leaks, %lu%% of %lu MB\n",
                 done_bytes * 100 / all_bytes, all_bytes >> 20);
    VG_(write)(2, line, (Int)VG_(strlen)(line));
}

void pm_leak_search(struct pm_leak_state *check)
{
    struct pm_leaks *leaks = &check->leaks;

    leaks->heuristics = check->run->options.leak_heuristics;
    /* A cycle that a lost object holds is no leak of its own. Memcheck does without. */
    leaks->merge_cliques = check->python;
    leaks->cliques_of_possible = check->python;
    /* Frames of 3.14 and later have tagged references. The tags of a reference to a code object
       are those of all references. */
    if (check->python)
        leaks->tag_bits = (u64)check->run->python.interpreter.layout->at.code_tag_bits;
    leaks->is_vtable = is_vtable;
    leaks->is_weak = is_weak_word;
    leaks->progress = show_progress;
    if (check->search_follows) {
        pm_slabs_hold_back_none(&check->run->blocks.slabs);
        leaks->missed = hold_back;
        pm_slabs_extent(&check->run->blocks.slabs, &leaks->missed_from, &leaks->missed_to);
    }
    leaks->context = check;
    check->next_progress_ms = VG_(read_millisecond_timer)() + PROGRESS_AFTER_MS;
    pm_leaks_search(leaks);
}
