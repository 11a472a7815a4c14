/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Joins a leak search with the balance: the watched objects of each loss record are one case, and those that are in no
   record are one case for each group.

   Order of calls: pm_watch_cases_begin; pm_watch_cases_add for each watched object that lives; pm_watch_cases_end. All of
   them do nothing if nothing is watched. The program must not run in between. */
#ifndef PM_WATCH_CASES_H
#define PM_WATCH_CASES_H

#include "heap/pm_balance_judge.h"
#include "heap/pm_balance_report.h"
#include "heap/pm_losses.h"

struct pm_run;

struct pm_watch_cases {
    struct pm_run *run;
    struct pm_balance_case *by_record, *by_group;
    u32 record_count;           /* length of by_record */
};

void pm_watch_cases_begin(struct pm_watch_cases *cases, struct pm_run *run);

/* Whether an object at an address is watched and lives. */
bool pm_watch_cases_wants(const struct pm_watch_cases *cases, u64 object);

enum { PM_WATCH_NO_RECORD = UINT32_MAX };
/* pointers: to the object, that were found. record: of pm_losses_add, or PM_WATCH_NO_RECORD. */
void pm_watch_cases_add(struct pm_watch_cases *cases, u64 object, u64 pointers, u32 record);

/* Judges. The verdicts belong to the run, and go to the records of losses, which are not sorted yet. */
void pm_watch_cases_end(struct pm_watch_cases *cases, struct pm_losses *losses);

/* For the report at the end. Judges the living objects if no search did. */
void pm_watch_report(struct pm_run *run, struct pm_balance_report *report);

#endif
