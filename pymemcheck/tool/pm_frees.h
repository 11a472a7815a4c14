/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Wrong frees: of what is no live block, and by another interface than the one
   that allocated. They are errors (tool/pm_errors.h); the program goes on, and
   what happens to the block is pm_heap.c's business, as in Memcheck. */
#ifndef PM_FREES_H
#define PM_FREES_H

#include "base/pm_types.h"
#include "heap/pm_blocks.h"

struct pm_run;

/* Thread tid frees, or reallocates, an address that is no live block's start. */
void pm_frees_unknown(struct pm_run *run, u32 tid, u64 address);

/* Thread tid frees a live block by the kind of interface called interface, which is not that of its
   origin. */
void pm_frees_mismatch(struct pm_run *run, u32 tid, const struct pm_block *block);

#endif
