/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exceptions that a function of an extension takes out of the interpreter's state, or puts there: PyErr_Fetch,
   PyErr_Restore ... Such references change their owner, but no count changes, and nothing is returned. */
#ifndef PM_WATCH_EXCEPTIONS_H
#define PM_WATCH_EXCEPTIONS_H

#include "base/pm_types.h"

struct pm_run;

enum pm_watch_exception_call {
    PM_WATCH_NO_EXCEPTION_CALL,
    PM_WATCH_FETCH,             /* stores three objects through its arguments; the caller gets them */
    PM_WATCH_RESTORE,           /* takes over its three arguments */
    PM_WATCH_RESTORE_ONE,       /* ... or its only one */
};

enum { PM_WATCH_EXCEPTION_PARTS = 3 };

/* The last call that stores through its arguments. */
struct pm_watch_fetch {
    u32 tid;                    /* 0: none */
    u64 stack_pointer;          /* of the caller */
    u64 places[PM_WATCH_EXCEPTION_PARTS];
};

/* function: the whole symbol. */
enum pm_watch_exception_call pm_watch_exception_call_of(const char *function);

/* A function of an extension calls one of these functions, and is the innermost one of thread tid. stack_pointer: its
   own. */
void pm_watch_exception_called(struct pm_run *run, u32 tid, enum pm_watch_exception_call call,
                               const u64 arguments[PM_WATCH_EXCEPTION_PARTS], u64 stack_pointer);
/* A call of PM_WATCH_FETCH returned to it. */
void pm_watch_exception_fetched(struct pm_run *run, u32 tid, u64 stack_pointer);

#endif
