/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls and returns of Python functions, for the event log (--trace-calls=yes): also of those that the
   interpreter runs without a C call (3.11 and later), of generators and coroutines that are resumed and
   yield, and of functions that an exception leaves.

   Cost: without the option nothing. With it a few inline instructions at each store of eight bytes in the
   interpreter, and a helper call at each call and return. */
#ifndef PM_PYTHON_CALLS_H
#define PM_PYTHON_CALLS_H

#include "pub_tool_basics.h"
#include "pub_tool_tooliface.h"

#include "base/pm_types.h"
#include "tool/pm_run.h"

static inline bool pm_python_calls_wanted(const struct pm_run *run)
{
    return (run->options.trace.parts & PM_TRACE_PART_CALLS) != 0;
}

/* After the command line was read. */
void pm_python_calls_init(struct pm_run *run);

/* Thread tid is about to run. */
void pm_python_calls_thread_runs(u32 tid);
/* Thread tid is new: another may have had its number. */
void pm_python_calls_thread_starts(u32 tid);

/* Adds helper calls to a block that begins at address, after all other instrumentation. */
IRSB *pm_python_calls_instrument(IRSB *block, Addr address);

#endif
