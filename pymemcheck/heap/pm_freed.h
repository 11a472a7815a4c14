/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The blocks that were freed last, so that an error about a second free can say where the
   block came from; and the description of a wrong free.

   A ring of PM_FREED_BLOCKS entries. Adding costs one store of 24 bytes; finding walks the
   whole ring, and is done for errors only. */
#ifndef PM_FREED_H
#define PM_FREED_H

#include "base/pm_types.h"
#include "heap/pm_blocks.h"
#include "heap/pm_stacks.h"

#define PM_FREED_BLOCKS 8192    /* a power of two */

struct pm_freed_block {
    u64 address, bytes;             /* as malloc was asked, padding included */
    struct pm_stack_id allocated;   /* where */
    struct pm_stack_id freed;       /* where; empty: stacks of frees are not recorded */
};

struct pm_freed {
    struct pm_freed_block *ring;
    u64 count;                      /* blocks ever added */
};

void pm_freed_init(struct pm_freed *freed);
void pm_freed_release(struct pm_freed *freed);

static inline void pm_freed_add(struct pm_freed *freed, const struct pm_block *block,
                                struct pm_stack_id allocated, struct pm_stack_id stack)
{
    freed->ring[freed->count++ % PM_FREED_BLOCKS] = (struct pm_freed_block){
        .address = block->address,
        .bytes = block->bytes,
        .allocated = allocated,
        .freed = stack,
    };
}

/* The most recently freed block that contains address (or starts there, if it had no bytes),
   or NULL. Valid until the next pm_freed_add. */
const struct pm_freed_block *pm_freed_find(const struct pm_freed *freed, u64 address);

enum pm_wrong_free_kind {
    PM_FREE_INVALID,        /* no live block starts there */
    PM_FREE_MISMATCH,       /* malloc and delete, new and free ... */
    PM_FREE_DOMAIN,         /* allocated by one of CPython's interfaces or the C library, freed by another */
    PM_FREE_KINDS,
};

enum pm_wrong_free_place {
    PM_PLACE_ELSEWHERE,     /* in no known block */
    PM_PLACE_LIVE,          /* in a live block */
    PM_PLACE_FREED,         /* in a freed block */
};

struct pm_wrong_free {
    enum pm_wrong_free_kind kind;
    u64 address;
    struct pm_stack_id stack;           /* of the free */
    enum pm_wrong_free_place place;
    struct pm_freed_block block;        /* that contains address; unset if ELSEWHERE */
    /* DOMAIN: names of the interfaces that were called. */
    const char *freed_by, *allocated_by;
};

#endif
