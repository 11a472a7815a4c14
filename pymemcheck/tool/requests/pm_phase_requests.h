/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Phases that the program begins and ends (PYMEMCHECK_PHASE_BEGIN of pymemcheck.h; heap/pm_phases.h). */
#ifndef PM_PHASE_REQUESTS_H
#define PM_PHASE_REQUESTS_H

#include "base/pm_types.h"

struct pm_run;

/* The number of the newest allocation, above 0. What is allocated, or reused, later has a higher one. */
u64 pm_phase_mark(struct pm_run *run);

/* name: a text of the program. Answers of pymemcheck.h; the log says what is wrong, ten times at most. */
long pm_phase_begin(struct pm_run *run, u32 tid, u64 name);
long pm_phase_end(struct pm_run *run, u32 tid, u64 name);

/* The thread ends, and its phases with it. */
void pm_phase_thread_ends(struct pm_run *run, u32 tid);
/* In a fork child, only tid goes on. */
void pm_phase_forked(struct pm_run *run, u32 tid);

/* Makes run->phases complete, for a report. Cost: a look at each live block, if there are phases. */
void pm_phase_settle(struct pm_run *run);

#endif
