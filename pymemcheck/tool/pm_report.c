/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_libcprint.h"

#include "tool/pm_report.h"

#include "tool/core/pm_core.h"
#include "tool/leaks/pm_leak_report.h"
#include "tool/pm_freeze.h"
#include "tool/pm_memory_limit.h"
#include "tool/pm_output.h"
#include "tool/pm_run.h"
#include "tool/trace/pm_domain_calls.h"

void pm_report_write(struct pm_run *run, enum pm_end end, int exit_status)
{
    struct pm_losses losses;
    struct pm_frozen frozen;
    /* Nobody asks how many errors there are when the next program runs. If the exec fails they
       are counted at the real end. */
    const bool counted = end != PM_END_EXEC;

    pm_memory_limit_report_begins();
    pm_finalization_process_ends(run);
    pm_leak_report_finish_before(run);
    const bool searched = pm_leak_report_search_at_end(run, &losses);
    pm_freeze_for_file(run, end, exit_status, &frozen);
    frozen.profile.end_stack = end == PM_END_SIGNAL ? run->end_stack : PM_STACK_EMPTY;
    frozen.profile.losses = searched ? &losses : NULL;
    frozen.profile.losses_before = run->searched_before ? &run->losses_before : NULL;
    frozen.profile.before = run->searched_before ? &run->sites_before : NULL;
    pm_domain_calls_end(run);
    pm_event_log_end(run, &frozen.profile);
    pm_core_log_gather_begin();
    pm_output_begin(run, &frozen.profile);
    /* A leak that both searches found is one error. */
    if (run->searched_before)
        pm_leak_report_write(run, &frozen.profile, PM_SEARCH_BEFORE_FINALIZATION,
                             &run->losses_before, counted && !searched);
    if (searched)
        pm_leak_report_write(run, &frozen.profile, PM_SEARCH_AT_EXIT, &losses, counted);
    if (run->stacks.refused > 0)
        VG_(umsg)("pymemcheck: warning: there are too many different stacks: inner frames of later ones"
                  " are left out.\n");
    pm_output_end(run, &frozen.profile);
    pm_core_log_gather_end();
    pm_freeze_release(run, &frozen);
    if (searched)
        pm_losses_release(&losses);
}
