/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When leaks are searched for, and how the records reach the log: at the end, before
   the interpreter finalizes, when the program asks by Memcheck's client requests
   (VALGRIND_DO_LEAK_CHECK and its relatives of memcheck.h), and when a person asks through
   vgdb (pm_monitor). */
#ifndef PM_LEAK_REPORT_H
#define PM_LEAK_REPORT_H

#include "base/pm_types.h"
#include "heap/pm_losses.h"
#include "tool/pm_output.h"

struct pm_run;

/* The interpreter begins to finalize: records names that finalization may free. */
void pm_leak_report_finalization_begins(struct pm_run *run);
/* The moment of the search before finalization (pm_finalization.h): searches if that was asked for, and adds the
   records to those of the interpreter's earlier lives, for the report. */
void pm_leak_report_before_finalization(struct pm_run *run);
/* The process becomes a fork child: drops the records of searches that its parent made. */
void pm_leak_report_forked(struct pm_run *run);

/* Call it once before a report reads run->losses_before, if run->searched_before. */
void pm_leak_report_finish_before(struct pm_run *run);

/* Searches if the options want it at the end; false if not. Release the records. */
bool pm_leak_report_search_at_end(struct pm_run *run, struct pm_losses *losses);

/* Gives the records that are to be shown to the run's writers, as a search made at that moment, and
   marks those that are suppressed or left out. errors: records are errors (of the kinds that are). */
void pm_leak_report_write(struct pm_run *run, const struct pm_profile *profile,
                          enum pm_search_moment moment, struct pm_losses *losses, bool errors);

/* A search on request. */
struct pm_leak_report_now {
    bool records;               /* show records, not only the summary */
    u32 kinds;                  /* those to show: PM_LOSS_KIND bits */
    u32 most;                   /* at most so many records; 0: all */
    u64 after_serial;           /* only blocks with a higher serial get records */
    const struct pm_sink *sink; /* where the report goes; NULL: Valgrind's log */
};

/* Searches and writes the report at once. The records become run->last_losses, with their
   blocks. Does nothing but say so if a limit leaves no memory for a search. */
void pm_leak_report_now(struct pm_run *run, const struct pm_leak_report_now *request);

/* A search that the program asks for by pymemcheck.h. */
struct pm_leak_report_asked {
    u64 after_serial;           /* only blocks with a higher serial get records; 0: all */
    bool reachable;             /* blocks that are still reachable get records, too */
    bool silent;                /* the log shows nothing, and no record is an error */
    /* Gets the records, marked as suppressed and left out. They are gone afterwards. */
    void (*take)(void *context, const struct pm_losses *losses);
    void *context;
};

/* False, with nothing done, if a limit leaves no memory for a search. */
bool pm_leak_report_search(struct pm_run *run, const struct pm_leak_report_asked *asked);

/* Answers a client request of Memcheck's that is about leaks; false if it is none. */
bool pm_leak_report_request(struct pm_run *run, const u64 *args, u64 *answer);

#endif
