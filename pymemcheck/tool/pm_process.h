/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the process begins, forks, becomes another program and ends. */
#ifndef PM_PROCESS_H
#define PM_PROCESS_H

#include "base/pm_types.h"

struct pm_run;

/* Registers with the core for forks and system calls; during pre_clo_init. */
void pm_process_register(struct pm_run *run);

/* The report was written since an execve is about to be made, the profile to that name, which is taken
   over (VG_(malloc)). If the execve fails, and the name was not that of the report at the
   end, the file is removed. */
void pm_process_exec_begins(struct pm_run *run, char *profile);

/* When this process began, in seconds of the clock that files' times are of, or up to two seconds before; 0
   if that is not known. An exec does not change it, a fork does. */
u64 pm_process_start_seconds(void);

/* One line of advice if what was run is probably not what was meant (a shell
   script, a pyenv shim), or shows too little, else NULL. Lives as long as the run. */
const char *pm_process_hint(const struct pm_run *run);

#endif
