/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the event log adds to translated code: for calls of allocator domains and of Python functions. */
#ifndef PM_TRACE_PROBES_H
#define PM_TRACE_PROBES_H

#include "tool/trace/pm_domain_calls.h"
#include "tool/trace/pm_python_calls.h"

/* After pm_event_log_init. */
void pm_trace_probes_init(struct pm_run *run);

void pm_trace_probes_thread_starts(struct pm_run *run, u32 tid);

/* Adds to a block that begins at address what is wanted, after all other instrumentation. */
static inline IRSB *pm_trace_probes_instrument(struct pm_run *run, IRSB *block, Addr address,
                                               const VexGuestLayout *layout)
{
    if (__builtin_expect(pm_domain_calls_wanted(run), 0))
        block = pm_domain_calls_instrument(block, address, layout);
    if (__builtin_expect(pm_python_calls_wanted(run), 0))
        block = pm_python_calls_instrument(block, address);
    return block;
}

#endif
