/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Freezes a run into a profile, for the writers. */
#ifndef PM_FREEZE_H
#define PM_FREEZE_H

#include "base/pm_buffer.h"
#include "heap/pm_profile.h"

struct pm_run;

struct pm_frozen {
    struct pm_profile profile;
    u8 *domains;                    /* the same of profile.domains; NULL: none */
    struct pm_balance_report watched;   /* with --watch-refs= */
    struct pm_buffer python;        /* what profile.python points to */
    const char **command;
};

/* The run as it is now, without the results of leak searches. Valid while the program does not run;
   *frozen must stay where it is until pm_freeze_release. Looks up source lines of native frames. Between
   the two calls writers may read source lines of Python (pm_output.source). */
void pm_freeze(struct pm_run *run, enum pm_end end, int exit_status, struct pm_frozen *frozen);
/* The same with what only the files have: the domains of sites. */
void pm_freeze_for_file(struct pm_run *run, enum pm_end end, int exit_status, struct pm_frozen *frozen);
void pm_freeze_release(struct pm_run *run, struct pm_frozen *frozen);

#endif
