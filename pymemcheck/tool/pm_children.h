/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a process does with its children: --child-errors=, and the line about a Python program that a forked child
   starts and that is not watched. */
#ifndef PM_CHILDREN_H
#define PM_CHILDREN_H

#include "base/pm_types.h"

struct pm_run;

/* The forked child tid is about to run the program at path. Says that it is not watched, if it is Python and no more than a
   few were started before. */
void pm_children_exec(struct pm_run *run, const char *path);

/* A system call with these arguments returned result, without an error. With --child-errors=yes: counts an error if it
   says that a child ended with the exit code of --error-exitcode=. */
void pm_children_after_wait(struct pm_run *run, u32 number, const u64 *args, u64 result);

#endif
