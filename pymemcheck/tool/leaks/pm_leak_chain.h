/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a block is still alive: one shortest chain of pointers from a root to it, in words. */
#ifndef PM_LEAK_CHAIN_H
#define PM_LEAK_CHAIN_H

#include "heap/pm_losses.h"
#include "tool/leaks/pm_leak_stages.h"

/* Gives the record the lines that say what keeps a block alive: from the root inwards, without
   the block itself. After the search. Cost: some ten reads for each block of the chain. */
void pm_leak_chain_add(struct pm_leak_state *check, u32 index, struct pm_losses *losses,
                       u32 record);

#endif
