/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Monitor commands: what a person asks through vgdb or gdb's "monitor" while the program is
   stopped. Words and arguments are Memcheck's (memcheck/mc_main.c, 3.19). */
#ifndef PM_MONITOR_H
#define PM_MONITOR_H

#include "base/pm_types.h"

struct pm_run;

/* Carries out a command; false: it is none of ours. Answers go to whoever asked. A wrong argument
   is answered by what was expected, and does nothing. */
bool pm_monitor_command(struct pm_run *run, const char *request);

#endif
