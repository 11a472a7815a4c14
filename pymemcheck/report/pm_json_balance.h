/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Watched objects in the JSON file: docs/file-format.md. */
#ifndef PM_JSON_BALANCE_H
#define PM_JSON_BALANCE_H

#include "heap/pm_balance_report.h"
#include "report/pm_emitter.h"

/* The key "balance" of a loss record; null without a verdict. report: NULL if nothing is watched. */
void pm_json_write_balance(struct pm_emitter *out, const struct pm_balance_report *report,
                           const struct pm_balance_verdict *verdict);

/* The key "watched" of the profile; null if report is NULL. */
void pm_json_write_watched(struct pm_emitter *out, const struct pm_balance_report *report);

#endif
