/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Advice for the user in the report. */
#ifndef PM_HINT_H
#define PM_HINT_H

struct pm_run;

/* One line of advice if the program is probably not what the user meant to run (a shell
   script, a pyenv shim), or the report shows too little; else NULL. Lives as long as the run. */
const char *pm_hint(const struct pm_run *run);

#endif
