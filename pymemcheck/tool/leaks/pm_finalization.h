/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The end of an interpreter's life, and the search for leaks that is made before it.

   Py_FinalizeEx joins the threads, calls the functions of atexit, runs the collector (PyGC_Collect), and only
   then destroys the modules. The search runs when this collection returns: garbage that the
   collector can free is gone, and all that the program made is still in its modules. What is in
   a lost cycle then is a leak, whatever its type.

   Three things move the search to an earlier moment, at which the collector has not run. Each interpreter's
   life has exactly one search before its finalization.

   - The interpreter has no type whose tp_traverse could be watched, or its objects cannot be read: the
     search runs at the entry of Py_FinalizeEx.
   - Py_FinalizeEx destroys the states of threads that still run (daemon threads, from 3.9 on), and with them what
     their frames hold: the search runs before it destroys the first one.
   - The process ends before the collection, in a function of atexit, say: the search runs then.

   While the collector runs it visits types. So the first call of their tp_traverse tells that a collection runs. A
   program that called gc.disable() has none: then the search runs when PyGC_Collect returns, and nothing is taken for
   collected. A collection that does not go through the symbol PyGC_Collect (the compiler
   inlined it) moves the search to its first visit.

   Translated code cannot be changed while it runs. So tp_traverse is watched from its translation on, which is at the
   first collection; and the address that PyGC_Collect returns to is known before it is translated.

   A program may start an interpreter again after Py_Finalize. Each life has a search of its own, for blocks allocated
   since that life began; the records of all lives are kept together. */
#ifndef PM_FINALIZATION_H
#define PM_FINALIZATION_H

#include "base/pm_ranges.h"
#include "base/pm_types.h"

struct pm_run;

enum pm_finalization_stage {
    PM_FINALIZATION_NOT_BEGUN,
    PM_FINALIZATION_WAITING,        /* Py_FinalizeEx was entered; the collector did not run yet */
    PM_FINALIZATION_COLLECTING,     /* in PyGC_Collect */
    PM_FINALIZATION_DONE,           /* the search before finalization was made, if it is wanted */
};

/* What the collector did, as a search sees it. */
enum pm_collector {
    PM_COLLECTOR_WAITS,             /* garbage waits for its next run */
    PM_COLLECTOR_RAN,               /* it ran just now: it freed all garbage that it can free */
    PM_COLLECTOR_RAN_CODE,          /* it ran just now, and called finalizers or callbacks of weak references. What these
                                       let go of may be garbage that waits for its next run */
    PM_COLLECTOR_GONE,              /* it ran for the last time, before finalization was over */
};

struct pm_finalization {
    enum pm_finalization_stage stage;
    enum pm_collector collector;    /* for a search that is made now */
    u32 tid;                        /* of the thread that finalizes: the core's number */
    u64 anchor;                     /* what its slot had when Py_FinalizeEx was entered */
    bool looked;                    /* for traversal */
    u64 traversal;                  /* tp_traverse of types; 0: not known */
    u64 return_address, stack;      /* where PyGC_Collect returns to, and the stack pointer then */
    bool collected;                 /* a collection runs, or ran, in PyGC_Collect */
    u64 collection_serial;          /* of the newest allocation when PyGC_Collect was entered */

    u64 life_serial;                /* of the newest allocation when the interpreter's present life began; 0: its
                                       first life */
    struct pm_ranges serials;       /* of allocations made during finalization, for each life a range */
};

/* Call it once, as soon as the interpreter is known (PM_PYTHON_READY): finds traversal. */
void pm_finalization_find_traversal(struct pm_run *run);
/* The program enters Py_FinalizeEx. */
void pm_finalization_begins(struct pm_run *run, u32 tid);
/* It enters PyThreadState_Clear, which destroys the state of one thread. */
void pm_finalization_clears_thread(struct pm_run *run, u32 tid);
/* It enters PyGC_Collect. */
void pm_finalization_collects(struct pm_run *run, u32 tid);
/* It comes to an address that pm_finalization_watches. */
void pm_finalization_arrives(struct pm_run *run, u32 tid, u64 address);
/* It initializes an interpreter. */
void pm_finalization_starts(struct pm_run *run);
/* The process ends, or is about to exec. */
void pm_finalization_process_ends(struct pm_run *run);

/* Whether pm_finalization_arrives must be called at the address. */
static inline bool pm_finalization_watches(const struct pm_finalization *finalization, u64 address)
{
    return address != 0 && (address == finalization->traversal || address == finalization->return_address);
}

#endif
