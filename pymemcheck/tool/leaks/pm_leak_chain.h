/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a block is still alive: one shortest way from a root to it, in words. */
#ifndef PM_LEAK_CHAIN_H
#define PM_LEAK_CHAIN_H

#include "base/pm_buffer.h"
#include "cpython/pm_object.h"
#include "heap/pm_leaks.h"
#include "heap/pm_losses.h"

struct pm_run;

struct pm_leak_chain {
    struct pm_run *run;
    struct pm_losses *losses;
    struct pm_leaks *leaks;         /* after the search */
    struct pm_objects *objects;
    /* The object in block number index of leaks, if it is known to hold one. */
    bool (*identify)(void *context, u32 index, struct pm_object *object);
    void *context;
    struct pm_buffer text;          /* scratch; nothing to be done for it */
};

/* Gives the record the lines that say what keeps block number index: from the root
   inwards, not the block itself. Cost: some ten reads for each block on the way. */
void pm_leak_chain_add(struct pm_leak_chain *chain, u32 record, u32 index);

#endif
