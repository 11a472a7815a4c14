/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the process begins, forks, becomes another program and ends. */
#ifndef PM_PROCESS_H
#define PM_PROCESS_H

#include "base/pm_types.h"

struct pm_run;

/* Registers with the core for forks and system calls; during pre_clo_init. */
void pm_process_register(struct pm_run *run);

/* One line of advice if what was run is probably not what was meant (a shell
   script, a pyenv shim), or shows too little, else NULL. Lives as long as the run. */
const char *pm_process_hint(const struct pm_run *run);

#endif
