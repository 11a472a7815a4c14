/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The report at the end of a program, or before it becomes another one. */
#ifndef PM_REPORT_H
#define PM_REPORT_H

#include "heap/pm_profile.h"

struct pm_run;

/* Searches for leaks if the options ask for it, and gives the run and the searches to its writers. */
void pm_report_write(struct pm_run *run, enum pm_end end, int exit_status);

#endif
