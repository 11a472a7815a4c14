/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors, through the core's error manager: it counts them, asks for each whether a
   suppression matches it, ends the run with --error-exitcode=, and writes
   <error> and </error> around them in XML. We compare errors and give
   those that are to be shown to the writers (report/pm_writer.h).

   Order of calls: register, before options are read; begin, after that and before the core
   reads suppression files; any number of reports; end, before the core's
   ERROR SUMMARY. */
#ifndef PM_ERRORS_H
#define PM_ERRORS_H

#include "base/pm_types.h"
#include "heap/pm_freed.h"
#include "heap/pm_losses.h"
#include "heap/pm_wrong_free_sums.h"
#include "tool/core/pm_core.h"
#include "tool/errors/pm_suppression_entries.h"

struct pm_run;
struct pm_writers;

/* Part of struct pm_run. */
struct pm_errors {
    struct pm_suppression_entries entries;
    enum pm_core_suggest suggest;   /* --gen-suppressions=, which we answer in the core's place */
    bool reads_default;             /* the default suppressions are read if the user wants them */
    bool warned_of_default, warned_of_suggestions;
    struct pm_wrong_free_sums wrong_frees;      /* those that were shown, for the conclusion */
    /* What the core did with the wrong free that it was told of last. */
    bool printed, equal_to_another;
};

void pm_errors_register(void);

void pm_errors_begin(struct pm_run *run);

/* Logs unused suppressions, with -v. */
void pm_errors_end(const struct pm_run *run);

/* After a fork, in the child. */
void pm_errors_forked(struct pm_run *run);

/* One loss record, and what is to become of it. */
struct pm_loss_report {
    const struct pm_writers *writers;
    const struct pm_loss *loss;
    u32 number, count;          /* it is number (from 1) of count */
    bool shown;                 /* given to the writers, unless it is suppressed */
    bool counted;               /* it is an error, unless it is suppressed */
};

/* A child process had errors: counts one, without a report of its own. */
void pm_errors_count_child(struct pm_run *run);

/* During a search of the writers'. True: a suppression matched it. */
bool pm_errors_report_loss(struct pm_run *run, const struct pm_loss_report *report);

/* Reports a wrong free by thread tid, unless an equal one was reported before. describe fills in what
   is costly to find out (place and block). It is called for the first PM_WRONG_FREES_SHOWN of equal ones. */
void pm_errors_report_free(struct pm_run *run, u32 tid, const struct pm_wrong_free *wrong,
                           void (*describe)(struct pm_run *run, struct pm_wrong_free *wrong));

#endif
