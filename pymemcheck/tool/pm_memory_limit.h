/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A program that reaches the limit of its address space (RLIMIT_AS, ulimit -v) gets no more memory and goes on, or
   ends, as it does by itself. The tool needs memory too, for tables and for the report, and the core ends the process
   when it gets none. So the program is refused a bit earlier, and the tool keeps a reserve. Where there is no limit, nothing of this
   costs anything but the address space of the reserve. */
#ifndef PM_MEMORY_LIMIT_H
#define PM_MEMORY_LIMIT_H

#include "base/pm_types.h"

struct pm_run;

/* Reads the limit; at the beginning, and when the program may have changed it. Takes the reserve. */
void pm_memory_limit_note(struct pm_run *run);

/* Whether the program can be given bytes more from the system, so that enough is left for the tool. */
bool pm_memory_limit_allows(const struct pm_run *run, u64 bytes);

/* Before a leak search: whether there is memory for it, by what it needs for the blocks that live now. Says
   so in the log if not. */
bool pm_memory_limit_allows_search(const struct pm_run *run);

/* Lets the reserve go: the report comes next. */
void pm_memory_limit_report_begins(void);

#endif
