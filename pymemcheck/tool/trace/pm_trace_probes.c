/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_tooliface.h"

#include "tool/trace/pm_trace_probes.h"

/* The core passes no context. */
static struct pm_run *the_run;

static void thread_runs(ThreadId tid, ULong blocks)
{
    (void)blocks;
    if (pm_domain_calls_wanted(the_run))
        pm_domain_calls_thread_runs(tid);
    if (pm_python_calls_wanted(the_run))
        pm_python_calls_thread_runs(tid);
}

void pm_trace_probes_thread_starts(struct pm_run *run, u32 tid)
{
    if (pm_python_calls_wanted(run))
        pm_python_calls_thread_starts(tid);
}

void pm_trace_probes_init(struct pm_run *run)
{
    if (!pm_domain_calls_wanted(run) && !pm_python_calls_wanted(run))
        return;
    the_run = run;
    if (pm_domain_calls_wanted(run))
        pm_domain_calls_init(run);
    if (pm_python_calls_wanted(run))
        pm_python_calls_init(run);
    VG_(track_start_client_code)(thread_runs);
}
