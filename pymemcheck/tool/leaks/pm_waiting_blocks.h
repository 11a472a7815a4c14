/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory that is no object and waits in one of CPython's free lists for its next use: keys of dicts, blocks of
   deques. It still has the pointers of its former life; none of them is a reference. */
#ifndef PM_WAITING_BLOCKS_H
#define PM_WAITING_BLOCKS_H

#include "cpython/pm_object.h"
#include "heap/pm_block.h"
#include "heap/pm_leaks.h"

struct pm_run;

/* Marks such blocks of leaks PM_LEAK_OPAQUE. blocks: the same ones, as they were allocated; is_part: of each, whether an
   object has it for a part of its own. Cost: a compare for each block; where blocks may be those of
   deques, a look at each word of the interpreter's static memory. */
void pm_waiting_blocks_mark(struct pm_run *run, struct pm_objects *objects, struct pm_leaks *leaks,
                      const struct pm_block *blocks, const bool *is_part);

#endif
