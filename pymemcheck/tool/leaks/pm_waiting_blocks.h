/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory that is no object and waits in one of CPython's free lists for its next use: keys of
   dicts, blocks of deques. It still holds the pointers of its former use; none of them is a
   reference. */
#ifndef PM_WAITING_BLOCKS_H
#define PM_WAITING_BLOCKS_H

#include "cpython/pm_object.h"
#include "heap/pm_block.h"
#include "heap/pm_leaks.h"

/* The blocks of a leak search, and what is known of them. */
struct pm_waiting_blocks {
    struct pm_objects *objects;
    struct pm_leaks *leaks;
    /* A block as it was allocated. */
    const struct pm_block *(*allocated)(const void *context, u32 index);
    const void *context;
};

/* Marks the blocks that wait PM_LEAK_OPAQUE. Cost: a compare for each block; where blocks may
   be those of deques, a look at each word of the interpreter's static memory. */
void pm_waiting_blocks_mark(struct pm_waiting_blocks *waiting);

#endif
