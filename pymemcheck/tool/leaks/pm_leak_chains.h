/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which chain a loss record shows: that of the holder which keeps most of its blocks alive.

   Order of calls: pm_leak_chains_init; pm_leak_chains_note for each block of a record that has a chain;
   pm_leak_chains_add, which releases all. */
#ifndef PM_LEAK_CHAINS_H
#define PM_LEAK_CHAINS_H

#include "heap/pm_losses.h"
#include "tool/leaks/pm_leak_stages.h"

struct pm_leak_chains {
    struct pm_leak_state *check;
    struct pm_losses *losses;
    struct pm_leak_chain_block *blocks;
    u32 count, capacity;
};

/* check and losses must outlive chains. */
void pm_leak_chains_init(struct pm_leak_chains *chains, struct pm_leak_state *check,
                         struct pm_losses *losses);

/* The block belongs to the record. is_object: it holds a Python object. */
void pm_leak_chains_note(struct pm_leak_chains *chains, u32 index, u32 record, bool is_object);

/* Gives each record its chain. If a record has objects, memory that is no object does not choose. Cost:
   a few steps along the chain and a sort, for each block that was noted. */
void pm_leak_chains_add(struct pm_leak_chains *chains);

#endif
