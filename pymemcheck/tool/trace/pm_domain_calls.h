/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls of the functions behind CPython's allocator domains, for the event log (--trace=raw,mem,object): also
   where pymalloc serves a request from memory that it has.

   A function is known by its symbol or, when the first Python frame runs, by its address in the
   interpreter's table of allocators. What a compiler inlined into its caller is not seen; docs/event-log.md
   says for which builds that matters.

   Cost: without these options nothing. With them a helper call at each entry, and three inline
   instructions at each return of the program. */
#ifndef PM_DOMAIN_CALLS_H
#define PM_DOMAIN_CALLS_H

#include "pub_tool_basics.h"
#include "pub_tool_tooliface.h"

#include "base/pm_types.h"
#include "tool/pm_run.h"

static inline bool pm_domain_calls_wanted(const struct pm_run *run)
{
    return (run->options.trace.parts & PM_TRACE_DOMAINS) != 0;
}

/* After the command line was read. */
void pm_domain_calls_init(struct pm_run *run);

/* Thread tid is about to run. */
void pm_domain_calls_thread_runs(u32 tid);

/* The program's struct pm_allocators (preload/pm_requests.h) is at address. */
void pm_domain_calls_meet(struct pm_run *run, u64 address);

/* The process ends: says what the log does not have. */
void pm_domain_calls_end(struct pm_run *run);

/* Adds helper calls to a block that begins at address, after all other instrumentation. */
IRSB *pm_domain_calls_instrument(IRSB *block, Addr address, const VexGuestLayout *layout);

#endif
