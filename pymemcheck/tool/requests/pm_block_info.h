/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PYMEMCHECK_BLOCK_INFO: what is known of the live block at an address. */
#ifndef PM_BLOCK_INFO_H
#define PM_BLOCK_INFO_H

#include "base/pm_types.h"
#include "heap/pm_block.h"

struct pm_run;

/* The live block that holds address: of the program's own allocators if there is one, as the innermost; else of
   malloc's. NULL: there is none. Valid until the program runs. Cost: none in slabs; elsewhere a look at each large block. */
const struct pm_block *pm_block_holding(struct pm_run *run, u64 address);

/* An answer of pymemcheck.h: the bytes of the JSON text. */
long pm_block_info(struct pm_run *run, u64 address, u64 buffer, u64 size);

struct pm_text;

/* The same for a person, without the leak search's verdict: the monitor command block_info. */
void pm_block_info_write(struct pm_run *run, struct pm_text *text, u64 address);

#endif
