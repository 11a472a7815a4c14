/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors, through the core's error manager: it counts them, compares them with
   suppressions, ends the run with --error-exitcode=, and frames them in XML. What
   an error says, and whether a suppression is for it, is our business. */
#ifndef PM_ERRORS_H
#define PM_ERRORS_H

#include "base/pm_types.h"
#include "heap/pm_freed.h"
#include "tool/core/pm_core.h"
#include "tool/errors/pm_suppression_entries.h"

struct pm_run;
struct pm_text;

struct pm_errors {
    struct pm_suppression_entries entries;
    enum pm_core_suggest suggest;   /* --gen-suppressions=, which we answer in the core's place */
    bool reads_default;             /* the default suppressions are read if the user wants them */
    bool warned_of_default, warned_of_suggestions;
};

/* Tells the core what it needs to know of our errors; before options are read. */
void pm_errors_register(struct pm_run *run);

/* After options were read, before the core reads suppressions. */
void pm_errors_begin(struct pm_run *run);

/* A loss record to be reported. */
struct pm_loss_report {
    struct pm_text *text;       /* where it is written, unless the report is XML */
    const struct pm_loss *loss;
    u32 number, count;          /* it is number (from 1) of count */
    bool shown;                 /* unless it is suppressed */
    bool counted;               /* it is an error */
};

/* True: a suppression matched it. */
bool pm_errors_report_loss(struct pm_run *run, const struct pm_loss_report *report);

/* Reports a wrong free by thread tid, unless one like it was. describe fills in what the error did
   not know yet (place and block); it is called for the first of equal ones only. */
void pm_errors_report_free(struct pm_run *run, u32 tid, const struct pm_wrong_free *wrong,
                           void (*describe)(struct pm_run *run, struct pm_wrong_free *wrong));

/* At the end, before the core's ERROR SUMMARY. */
void pm_errors_end(const struct pm_run *run);

#endif
