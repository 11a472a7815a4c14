/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who took or gave back a reference, as a stack tells. */
#ifndef PM_WATCH_OWNER_H
#define PM_WATCH_OWNER_H

#include "heap/pm_balance.h"

struct pm_run;

/* Fills *owner for a change of a count at stack. Interns the owner's name. */
void pm_watch_owner_of(struct pm_run *run, struct pm_stack_id stack, struct pm_balance_owner *owner);

/* A number for the line at which objects are born: its innermost Python frame, or the innermost native one. */
u64 pm_watch_birth_line(const struct pm_run *run, struct pm_stack_id stack);

#endif
