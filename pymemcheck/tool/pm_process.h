/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the process begins, forks, becomes another program and ends. */
#ifndef PM_PROCESS_H
#define PM_PROCESS_H

#include "base/pm_types.h"

struct pm_run;

/* Registers with the core for forks and system calls; during pre_clo_init. */
void pm_process_register(struct pm_run *run);

#endif
