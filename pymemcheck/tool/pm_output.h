/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Freezes the run into a profile and writes it: text to Valgrind's log, JSON
   to pymemcheck.out.<pid>. */
#ifndef PM_OUTPUT_H
#define PM_OUTPUT_H

#include "base/pm_types.h"
#include "heap/pm_profile.h"

struct pm_run;

/* Ends the program at once if the output file's name cannot be expanded (%q of an
   unset variable, say): at start-up, not after a night's run. */
void pm_output_check(const struct pm_run *run);

/* Writes both reports. What cannot be written is said in the log. */
void pm_output_write(struct pm_run *run, enum pm_end end, int exit_status);

#endif
