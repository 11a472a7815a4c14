/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The profile of the run so far, written while the run goes on: PYMEMCHECK_WRITE_PROFILE, and the monitor command
   write. */
#ifndef PM_PROFILE_NOW_H
#define PM_PROFILE_NOW_H

#include "base/pm_buffer.h"
#include "base/pm_types.h"

struct pm_run;

/* Writes it to path; NULL: the name of --pymemcheck-out-file= with ".1" behind it, ".2" the next time, and so
   on. Puts the name into *name. False: it could not be written. */
bool pm_profile_now_write(struct pm_run *run, const char *path, struct pm_buffer *name);

/* An answer of pymemcheck.h. path: a text of the program, or 0. */
long pm_profile_now(struct pm_run *run, u64 path);

#endif
