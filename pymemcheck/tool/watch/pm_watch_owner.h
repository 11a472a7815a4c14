/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who took or gave back a reference, as a stack tells. */
#ifndef PM_WATCH_OWNER_H
#define PM_WATCH_OWNER_H

#include "heap/pm_balance.h"

struct pm_run;

/* Fills *owner for a change of a count at stack, or for the birth of an object there. Interns the owner's name. */
void pm_watch_owner_of(struct pm_run *run, struct pm_stack_id stack, bool birth, struct pm_balance_owner *owner);

/* Fills *owner for what the evaluation gets or gives at stack. */
void pm_watch_owner_evaluation(struct pm_run *run, struct pm_stack_id stack, struct pm_balance_owner *owner);

/* Whether an address is code of an extension, of the interpreter (with our wrapper round its evaluation function), or
   neither: the system's. */
enum pm_watch_side {
    PM_WATCH_NEITHER,
    PM_WATCH_EXTENSION,
    PM_WATCH_INTERPRETER,
};
enum pm_watch_side pm_watch_side_of(struct pm_run *run, u64 address);

/* A number for the line at which objects are born: its innermost Python frame, or the innermost native one. */
u64 pm_watch_birth_line(const struct pm_run *run, struct pm_stack_id stack);

#endif
