/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_debuginfo.h"
#include "pub_tool_execontext.h"
#include "pub_tool_xarray.h"
#include "pub_tool_addrinfo.h"
#include "pub_tool_errormgr.h"
#include "pub_tool_options.h"

#include "tool/errors/pm_error.h"

#include "tool/core/pm_core.h"
#include "tool/pm_run.h"

/* The core writes this, in the log or the XML output: it knows stacks, segments of the program's files
   and mappings. */
static void describe_elsewhere(u64 address)
{
    AddrInfo info = { .tag = Addr_Undescribed };

    VG_(describe_addr)(VG_(current_DiEpoch)(), address, &info);
    VG_(pp_addrinfo)(address, &info);
    VG_(clear_addrinfo)(&info);
}

/* Whether the user wants a suppression for the error just shown. The core would make one from its own
   stack, which has no Python frames, so it is not told of --gen-suppressions=. */
static bool wants_suggestion(struct pm_errors *errors)
{
    bool again;

    if (errors->suggest != PM_CORE_SUGGEST_ASK || VG_(clo_xml))
        return errors->suggest != PM_CORE_SUGGEST_NONE;
    pm_core_log_pause_gathering(true);
    bool wanted = pm_core_ask("Print suppression", &again);
    pm_core_log_pause_gathering(false);
    if (!again)
        errors->suggest = PM_CORE_SUGGEST_NONE;
    return wanted;
}

void pm_error_print(const Error *core_error)
{
    const struct pm_error *error = pm_error_of(core_error);
    const struct pm_loss_report *loss = error->loss;
    const struct pm_writers *writers = loss != NULL ? loss->writers : &error->run->output.writers;

    error->run->errors.printed = true;
    pm_core_log_gather_begin();
    if (loss != NULL)
        pm_writers_loss(writers, loss->loss, loss->number, loss->count);
    else
        pm_writers_wrong_free(writers, &error->tables, &error->wrong);
    if (loss == NULL && error->wrong.place == PM_PLACE_ELSEWHERE)
        describe_elsewhere(error->wrong.address);
    if (wants_suggestion(&error->run->errors))
        pm_writers_suggestion(writers, &error->tables, &error->subject);
    pm_core_log_gather_end();
}
