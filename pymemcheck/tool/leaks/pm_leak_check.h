/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Searches the program's heap for leaks at one moment, and makes loss records of
   what it finds. Brings together the roots (pm_roots), the live blocks (heap/pm_blocks), what
   CPython knows of them (cpython/pm_object) and the search (heap/pm_leaks). */
#ifndef PM_LEAK_CHECK_H
#define PM_LEAK_CHECK_H

#include "base/pm_types.h"
#include "heap/pm_losses.h"

struct pm_leak_state;
struct pm_run;

struct pm_leak_check_request {
    bool all;               /* blocks that are still reachable get records too */
    bool list_blocks;       /* keep the list of each record's blocks (heap/pm_loss_blocks.h) */
    bool count_types;       /* sum up all that is in use by type; with add, in place of the earlier sums */
    bool add;               /* losses has records of earlier checks, and gets more */
    bool search_follows;    /* the program may be searched again: free memory to which old pointers lead is not handed out
                               before */
    u64 after_serial;       /* only blocks with a higher serial get records */
};

/* Loss records of the heap as it is now; call pm_losses_finish before you read them, and release them with
   pm_losses_release. Cost: see
   heap/pm_leaks.h; at most 48 bytes of memory for each live block while it runs, and more for lost ones. */
void pm_leak_check_run(struct pm_run *run, const struct pm_leak_check_request *request,
                       struct pm_losses *losses);

/* The same without records: calls examine when all blocks are judged (pm_leak_stages.h). */
void pm_leak_check_examine(struct pm_run *run,
                           void (*examine)(void *context, struct pm_leak_state *check),
                           void *context);

#endif
