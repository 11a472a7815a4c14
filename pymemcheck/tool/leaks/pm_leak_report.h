/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When leaks are searched for, and how the records reach the log: at the end, before
   the interpreter finalizes, when the program asks by Memcheck's client requests
   (VALGRIND_DO_LEAK_CHECK and its relatives of memcheck.h), and when a person asks through vgdb
   (monitor leak_check). */
#ifndef PM_LEAK_REPORT_H
#define PM_LEAK_REPORT_H

#include "base/pm_types.h"
#include "heap/pm_losses.h"
#include "tool/pm_output.h"

struct pm_run;

/* The interpreter begins to finalize: searches if that was asked for, and keeps the
   records for the report. */
void pm_leak_report_before_finalization(struct pm_run *run);

/* Searches if the options want it at the end; false if not. Release the records. */
bool pm_leak_report_search_at_end(struct pm_run *run, struct pm_losses *losses);

/* Gives the records that are to be shown to the run's writers, as a search made at that moment, and
   marks those that are suppressed or left out. errors: records are errors (of the kinds that are). */
void pm_leak_report_write(struct pm_run *run, const struct pm_profile *profile,
                          enum pm_search_moment moment, struct pm_losses *losses, bool errors);

/* Answers a client request of Memcheck's that is about leaks, or a monitor
   command; false if it is neither. */
bool pm_leak_report_request(struct pm_run *run, const u64 *args, u64 *answer);

#endif
