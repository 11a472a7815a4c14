/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The audit: an object that can be reached, and whose count is higher than the number of
   words anywhere in memory that point to it, has surplus references. Words that only look
   like references make the surplus smaller, never larger. One whose count is lower than the
   number of words that own it for certain is over-released.

   Objects that nothing reaches are lost, with two exceptions: a cycle whose counts agree with
   the references that were found is garbage that the collector has not freed; and what the
   interpreter never frees (interned strings, immortal objects) is its own, as far as it exists once in the
   process. */
#include "pub_tool_basics.h"

#include "tool/leaks/pm_leak_check.h"

#include "base/pm_platform.h"
#include "tool/leaks/pm_leak_stages.h"
#include "tool/pm_memory.h"
#include "tool/pm_memory_limit.h"
#include "tool/pm_run.h"

/* All stages but the last, pm_leak_record. keep_weak: who comes next asks which words are weak. */
static void run_stages(struct pm_leak_state *check, bool keep_weak)
{
    pm_leak_collect_blocks(check);
    pm_leak_describe_objects(check);
    pm_leak_mark_parts(check);
    pm_leak_hide_waiting_blocks(check);
    pm_leak_hide_left_over_pointers(check);
    pm_leak_hide_static_objects(check);
    pm_leak_hide_caches(check);
    pm_leak_hide_registrations(check);
    pm_leak_hide_weak_words(check);
    pm_leak_collect_roots(check);
    pm_leak_search(check);
    if (!keep_weak)
        pm_leak_weak_release(&check->weak);
    pm_leak_choose_leaders(check);
    pm_leak_find_collectable_cycles(check);
    pm_leak_find_interned_again(check);
    pm_leak_count_owners(check);
    pm_leak_judge(check);
}

static void begin(struct pm_leak_state *check, struct pm_run *run)
{
    *check = (struct pm_leak_state){ .run = run };
    pm_reader_forget(&run->reader);
    const bool known = run->options.python_objects && run->python.state == PM_PYTHON_READY;
    check->python = known
        && pm_objects_init(&check->objects, &run->reader, &run->strings,
                           &run->python.interpreter);
    if (check->python)
        pm_type_names_tell(&run->type_names, &check->objects, &run->blocks);
    pm_leak_weak_init(&check->weak);
    pm_map_init(&check->static_owners);
    pm_map_init(&check->freed_starts);
    check->objects_begun = known;
    check->scan = pm_alloc("pm.leak_check", sizeof *check->scan);
    pm_memory_scan_begin(check->scan);
    pm_leaks_init(&check->leaks, &check->scan->reader);
}

static void end(struct pm_leak_state *check)
{
    pm_leaks_release(&check->leaks);
    pm_memory_scan_end(check->scan);
    pm_free(check->scan);
    pm_leak_weak_release(&check->weak);
    pm_roots_clear(&check->run->roots);
    if (check->objects_begun)
        pm_objects_release(&check->objects);
    pm_free(check->custom);
    pm_free(check->found);
    pm_free(check->verdicts);
    pm_free(check->cached_names);
    pm_free(check->block_owners);
    pm_map_release(&check->static_owners);
    pm_map_release(&check->freed_starts);
    pm_free(check->dangling);
    pm_free(check->hidden);
}

void pm_leak_check_run(struct pm_run *run, const struct pm_leak_check_request *request,
                       struct pm_losses *losses)
{
    struct pm_leak_state check;

    begin(&check, run);
    check.search_follows = request->search_follows;
    check.recorded_after = request->after_serial > run->fork_serial ? request->after_serial : run->fork_serial;
    if (!request->add) {
        pm_losses_init(losses, &run->strings, &run->frames, &run->stacks,
                       run->options.leak_resolution);
        losses->finalizations = &run->finalization.serials;
        if (request->list_blocks)
            pm_losses_list_blocks(losses, run->options.shown_leak_blocks);
    }
    run_stages(&check, false);
    pm_leak_record(&check, request->all, losses);
    if (request->count_types)
        pm_leak_count_types(&check, &losses->types);
    end(&check);
}

void pm_leak_check_examine(struct pm_run *run,
                           void (*examine)(void *context, struct pm_leak_state *check),
                           void *context)
{
    struct pm_leak_state check;

    if (!pm_memory_limit_allows_search(run))
        return;
    begin(&check, run);
    run_stages(&check, true);
    examine(context, &check);
    end(&check);
    pm_memory_limit_note(run);
}
