/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The blocks that were freed last, and the description of a wrong free.

   They serve two ends. An error about a second free can say where the block came from. And the
   memory of a freed block waits before it is handed out again (--freelist-vol=), so that an old
   pointer to it does not soon look like a pointer to its next owner.

   A ring: the last entries are those whose memory waits, as many as the limits allow. The owner
   frees that memory when pm_freed_next says so. Every block that waits is known here. Adding
   costs one store of 24 bytes. Finding walks the whole ring, and is done for errors only. */
#ifndef PM_FREED_H
#define PM_FREED_H

#include "base/pm_types.h"
#include "heap/pm_blocks.h"
#include "heap/pm_stacks.h"

enum {
    PM_FREED_BLOCKS = 8192,         /* blocks known, at least; a power of two */
    PM_FREED_MEAN_BYTES = 128,      /* as many blocks are known as the volume has of this size, if
                                       that is more */
    PM_FREED_LARGE_SHARE = 8,       /* a block larger than this part of the volume does not wait */
    PM_FREED_MAX_WAITING_BYTES = 4 << 20,   /* nor does one larger than this */
    PM_FREED_SMALL_BYTES = 512,     /* a block of at most this size is small */
};

struct pm_freed_block {
    u64 address;
    u64 bytes : 63;                 /* as malloc was asked, padding included */
    u64 waits : 1;                  /* its memory waits */
    struct pm_stack_id allocated;   /* where */
    struct pm_stack_id freed;       /* where; empty: stacks of frees are not recorded */
};

struct pm_freed {
    struct pm_freed_block *ring;
    u64 capacity;                   /* a power of two */
    u64 count;                      /* blocks ever added */
    u64 oldest;                     /* the first that may wait, as a count; count - oldest is at most most_waiting */
    u64 most_waiting;               /* below capacity */
    u64 oldest_small;               /* the first small one that may wait, as a count */
    u64 most_small;                 /* at most most_waiting */
    u64 waiting_bytes, volume_bytes;
};

/* volume_bytes: how much memory waits, at most. most_waiting: a block waits until so many more were freed, at most; 0:
   as many as are known. most_small: the same for small ones, which are most of all blocks and whose memory should still be in
   the processor's nearest cache when it is used again; 0: like the others. */
void pm_freed_init(struct pm_freed *freed, u64 volume_bytes, u64 most_waiting, u64 most_small);
void pm_freed_release(struct pm_freed *freed);

/* Whether the memory of a block of bytes should wait. */
static inline bool pm_freed_should_wait(const struct pm_freed *freed, u64 bytes)
{
    return bytes <= freed->volume_bytes / PM_FREED_LARGE_SHARE && bytes <= PM_FREED_MAX_WAITING_BYTES
        && freed->volume_bytes != 0;
}

/* Adds a block. waits: the owner keeps its memory until pm_freed_next returns it. Until
   pm_freed_next has returned 0, nothing more may be added. */
static inline void pm_freed_add(struct pm_freed *freed, const struct pm_block *block,
                                struct pm_stack_id allocated, struct pm_stack_id stack, bool waits)
{
    freed->ring[freed->count++ & (freed->capacity - 1)] = (struct pm_freed_block){
        .address = block->address,
        .bytes = block->bytes,
        .waits = waits,
        .allocated = allocated,
        .freed = stack,
    };
    freed->waiting_bytes += waits ? block->bytes : 0;
}

/* The address of the oldest block that waits, if more than volume_bytes or too many blocks wait, or of the oldest small
   one, if too many of these do: the owner must free its memory now. Else 0. */
static inline u64 pm_freed_next(struct pm_freed *freed, u64 volume_bytes)
{
    for (;;) {
        struct pm_freed_block *block;
        if (freed->count - freed->oldest_small > freed->most_small) {
            block = &freed->ring[freed->oldest_small++ & (freed->capacity - 1)];
            if (block->bytes > PM_FREED_SMALL_BYTES)
                continue;
        } else if (freed->oldest < freed->count
                   && (freed->waiting_bytes > volume_bytes
                       || freed->count - freed->oldest > freed->most_waiting)) {
            block = &freed->ring[freed->oldest++ & (freed->capacity - 1)];
        } else {
            return 0;
        }
        if (!block->waits)
            continue;
        block->waits = 0;
        freed->waiting_bytes -= block->bytes;
        return block->address;
    }
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
    u64 times;                          /* 0: the first of its kind; n: the n-th, of which only the block is shown */
};

#endif
