/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The blocks of loss records: address, size, and the reason for the block's kind. For
   whoever doubts a record.

   Kept only if somebody wants them (pm_losses_list_blocks): 96 bytes for each block that
   has a record. Order of calls: pm_loss_blocks_add for each block; pm_loss_blocks_sort
   once; then the rest. */
#ifndef PM_LOSS_BLOCKS_H
#define PM_LOSS_BLOCKS_H

#include "base/pm_buffer.h"
#include "base/pm_strings.h"
#include "base/pm_types.h"

/* Why a block has the kind that it has. */
enum pm_loss_reason {
    /* Definitely lost. */
    PM_REASON_NO_POINTER,           /* nothing points to it */
    PM_REASON_OWN_CYCLE,            /* only the cycle that it is in points to it */
    PM_REASON_LOST_POINTERS,        /* only lost blocks that it leads to point to it */
    PM_REASON_COUNT_TOO_HIGH,       /* its count is higher than the number of pointers found;
                                       also of reachable objects (surplus references) */
    PM_REASON_COUNT_ZERO,           /* an object without references: its free list is lost */
    PM_REASON_INTERNED_AGAIN,       /* a destroyed interpreter interned it */
    /* In garbage cycles. */
    PM_REASON_CYCLE,                /* the counts of a cycle agree, and the collector cannot free it */
    /* Possibly lost. */
    PM_REASON_INTERIOR_POINTER,     /* only interior pointers to it */
    PM_REASON_POSSIBLE_OWNER,       /* only possibly lost blocks lead to it */
    /* Indirectly lost. */
    PM_REASON_LOST_OWNER,           /* only lost blocks lead to it */
    /* Kept by the interpreter. */
    PM_REASON_IMMORTAL,
    PM_REASON_INTERNED,
    PM_REASON_INTERPRETER_COUNT,    /* the interpreter took references to it for ever */
    PM_REASON_COLLECTABLE_CYCLE,    /* a cycle that the collector can free */
    PM_REASON_INTERPRETER_OWNER,    /* only blocks that the interpreter keeps lead to it */
    /* Still reachable. */
    PM_REASON_ROOT,                 /* a root points to it */
    PM_REASON_REACHABLE_OWNER,      /* a reachable block points to it */
    PM_REASON_HEURISTIC,            /* a heuristic accepts an interior pointer to it */
    /* In no record. */
    PM_REASON_BEFORE_FORK,          /* this fork child inherited it */
    PM_REASONS,
};

/* A reason with its evidence; what a reason has no use for is 0. */
struct pm_loss_why {
    enum pm_loss_reason reason;
    u64 count;                      /* of an object: its reference count */
    u64 found;                      /* ... pointers to it that were found */
    u64 interpreter_count;          /* ... references that the interpreter took for ever */
    u64 address;                    /* of the pointer to it; of the lost block that leads to it */
    struct pm_string_id place;      /* the root with the pointer: "variable x in /lib/libx.so" */
};

struct pm_loss_block {
    u64 address;
    u64 bytes;                      /* as requested */
    u64 serial;                     /* number of its allocation */
    u64 leader;                     /* address of the lost block that it is counted with; its own
                                       address for a block that is not indirectly lost */
    struct pm_string_id type;       /* of the object in it; "": no object */
    struct pm_loss_why why;
    u32 record;                     /* index; after pm_loss_blocks_sort the final one */
};

struct pm_loss_blocks {
    struct pm_loss_block *entries;  /* sorted: by record, then address */
    u32 count, capacity;
    u32 *by_leader;                 /* sorted: indices of those with another leader, by the leader */
    u32 by_leader_count;
};

void pm_loss_blocks_release(struct pm_loss_blocks *blocks);
void pm_loss_blocks_add(struct pm_loss_blocks *blocks, const struct pm_loss_block *block);
/* new_record: the final index of each record that blocks name. Linear, but for one copy. */
void pm_loss_blocks_sort(struct pm_loss_blocks *blocks, const u32 *new_record);

/* The blocks of a record, by address. *count may be 0. */
const struct pm_loss_block *pm_loss_blocks_of(const struct pm_loss_blocks *blocks, u32 record,
                                              u32 *count);
/* The indices of the blocks that are counted with the lost block at address leader. */
const u32 *pm_loss_blocks_led_by(const struct pm_loss_blocks *blocks, u64 leader, u32 *count);

/* Appends the reason for a person: "nothing points to it, its count is 1". */
void pm_loss_why_add(struct pm_buffer *out, const struct pm_strings *strings,
                     const struct pm_loss_why *why);
/* Appends "0x520b040[56] list: nothing points to it, its count is 1"; address and size as
   Memcheck's block_list prints them. */
void pm_loss_block_add(struct pm_buffer *out, const struct pm_strings *strings,
                       const struct pm_loss_block *block);

#endif
