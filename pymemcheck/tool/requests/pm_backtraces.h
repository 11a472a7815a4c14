/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The monitor command py_bt: where threads are now, in Python and C. */
#ifndef PM_BACKTRACES_H
#define PM_BACKTRACES_H

#include "base/pm_types.h"

struct pm_run;
struct pm_text;

/* Writes the stack of thread tid (the core's number); 0: of all. Says which threads there are if it is none of
   them. */
void pm_backtraces_write(struct pm_run *run, struct pm_text *text, u64 tid);

#endif
