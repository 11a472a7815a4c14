/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Freezes the run into a profile and writes it: text to Valgrind's log, JSON
   to pymemcheck.out.<pid>. */
#ifndef PM_OUTPUT_H
#define PM_OUTPUT_H

#include "base/pm_types.h"
#include "heap/pm_profile.h"
#include "report/pm_text.h"
#include "tool/pm_source.h"

struct pm_run;

/* Ends the program at once if the output file's name cannot be expanded (%q of an
   unset variable, say): at start-up, not after a night's run. */
void pm_output_check(const struct pm_run *run);

/* What a text report is made from. */
struct pm_report {
    struct pm_profile profile;
    struct pm_text_options text;
    struct pm_sink log;
    struct pm_source source;
    struct pm_buffer python;
    const char **command;
};

/* The run as it is now, without the results of leak searches; *report must stay
   where it is until pm_output_end, which releases it. Looks up source lines. */
void pm_output_begin(struct pm_run *run, enum pm_end end, int exit_status,
                     struct pm_report *report);
void pm_output_end(struct pm_report *report);

/* Writes both reports. What cannot be written is said in the log. */
void pm_output_write(struct pm_run *run, enum pm_end end, int exit_status);

#endif
