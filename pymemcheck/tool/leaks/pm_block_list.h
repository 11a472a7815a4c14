/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The blocks of loss records, for a person: what the monitor command block_list prints. */
#ifndef PM_BLOCK_LIST_H
#define PM_BLOCK_LIST_H

#include "base/pm_types.h"

struct pm_run;
struct pm_text;

/* Writes the loss records from .. to (numbers as in the report, from 1) of the last search on
   request, which there must be; each with its blocks, and the blocks that are lost with
   them. Says what is wrong with the numbers if there are no such records. most: at most so
   many blocks in all; 0: no limit. Cost: linear in what is written. */
void pm_block_list_write(struct pm_run *run, struct pm_text *text, u64 from, u64 to, u64 most);

#endif
