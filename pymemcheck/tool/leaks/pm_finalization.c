/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_machine.h"

#include "tool/leaks/pm_finalization.h"

#include "base/pm_platform.h"
#include "tool/leaks/pm_leak_report.h"
#include "tool/pm_run.h"

/* Serials that no run reaches. */
static const u64 NO_END = ~(u64)0 >> 1;

/* collector: what it did; and what it will have done when finalization is over, or the process
   ends. */
static void search(struct pm_run *run, enum pm_collector collector, enum pm_collector afterwards)
{
    run->finalization.stage = PM_FINALIZATION_DONE;
    run->finalization.collector = collector;
    pm_leak_report_before_finalization(run);
    run->finalization.collector = afterwards;
}

void pm_finalization_find_traversal(struct pm_run *run)
{
    struct pm_objects objects;
    u64 function;

    run->finalization.looked = true;
    if (!run->options.python_objects)
        return;
    pm_reader_forget(&run->reader);
    if (pm_objects_init(&objects, &run->reader, &run->strings, &run->python.interpreter)
            && pm_objects_traversals(&objects, objects.metatype, &function, 1) == 1)
        run->finalization.traversal = function;
    pm_objects_release(&objects);
}

void pm_finalization_begins(struct pm_run *run, u32 tid)
{
    struct pm_finalization *finalization = &run->finalization;

    if (finalization->stage != PM_FINALIZATION_NOT_BEGUN)
        return;
    pm_leak_report_finalization_begins(run);
    finalization->stage = PM_FINALIZATION_WAITING;
    finalization->tid = tid;
    finalization->anchor = pm_python_anchor(&run->python, tid);
    finalization->collected = false;
    if (finalization->traversal == 0)
        search(run, PM_COLLECTOR_WAITS, PM_COLLECTOR_GONE);
    pm_ranges_add(&finalization->serials, run->serial + 1, NO_END - run->serial);
}

/* Whether thread tid runs code of Py_FinalizeEx itself: no Python code that it called. */
static bool is_finalizing(const struct pm_run *run, u32 tid)
{
    return tid == run->finalization.tid
        && pm_python_anchor(&run->python, tid) == run->finalization.anchor;
}

void pm_finalization_clears_thread(struct pm_run *run, u32 tid)
{
    if (run->finalization.stage == PM_FINALIZATION_WAITING && is_finalizing(run, tid))
        search(run, PM_COLLECTOR_WAITS, PM_COLLECTOR_GONE);
}

void pm_finalization_collects(struct pm_run *run, u32 tid)
{
    struct pm_finalization *finalization = &run->finalization;
    u64 stack = VG_(get_SP)(tid), address;

    if (finalization->stage == PM_FINALIZATION_NOT_BEGUN || !is_finalizing(run, tid)
            || !pm_reader_read_u64(&run->reader, stack, &address))
        return;
    /* Also if this life needs it no more: what is translated now must be watched in the next life. */
    finalization->return_address = address;
    if (finalization->stage != PM_FINALIZATION_WAITING)
        return;
    finalization->stage = PM_FINALIZATION_COLLECTING;
    finalization->stack = stack + sizeof address;
    finalization->collection_serial = run->serial;
}

static void collector_returns(struct pm_run *run, u32 tid)
{
    const struct pm_finalization *finalization = &run->finalization;
    /* The collector itself allocates nothing. */
    const bool called = run->serial > finalization->collection_serial;

    if (finalization->stage == PM_FINALIZATION_COLLECTING && tid == finalization->tid
            && VG_(get_SP)(tid) == finalization->stack)
        search(run, !finalization->collected ? PM_COLLECTOR_WAITS : called ? PM_COLLECTOR_RAN_CODE : PM_COLLECTOR_RAN,
               PM_COLLECTOR_GONE);
}

static void collector_visits(struct pm_run *run, u32 tid)
{
    struct pm_finalization *finalization = &run->finalization;

    if (finalization->stage == PM_FINALIZATION_COLLECTING && tid == finalization->tid)
        finalization->collected = true;
    else if (finalization->stage == PM_FINALIZATION_WAITING && is_finalizing(run, tid))
        search(run, PM_COLLECTOR_WAITS, PM_COLLECTOR_GONE);
}

void pm_finalization_arrives(struct pm_run *run, u32 tid, u64 address)
{
    if (address == run->finalization.traversal)
        collector_visits(run, tid);
    else
        collector_returns(run, tid);
}

void pm_finalization_starts(struct pm_run *run)
{
    struct pm_finalization *finalization = &run->finalization;

    if (finalization->stage == PM_FINALIZATION_NOT_BEGUN)
        return;
    finalization->stage = PM_FINALIZATION_NOT_BEGUN;
    finalization->collector = PM_COLLECTOR_WAITS;
    finalization->life_serial = run->serial;
    pm_ranges_remove(&finalization->serials, run->serial + 1, NO_END - run->serial);
}

void pm_finalization_process_ends(struct pm_run *run)
{
    const enum pm_finalization_stage stage = run->finalization.stage;

    if (stage == PM_FINALIZATION_WAITING || stage == PM_FINALIZATION_COLLECTING)
        search(run, PM_COLLECTOR_WAITS, PM_COLLECTOR_WAITS);
}
