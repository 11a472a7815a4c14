/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loss records: what the leak search found, merged so that one leak is one
   record. A record is what suppressions match and what every writer shows.

   The caller makes one pm_loss_item for each block that the search classified
   (pm_losses_add) and then calls pm_losses_finish, which merges, sorts and
   sums. Strings and stacks are interned elsewhere; the records own only their lists. */
#ifndef PM_LOSSES_H
#define PM_LOSSES_H

#include "base/pm_map.h"
#include "base/pm_strings.h"
#include "base/pm_types.h"
#include "heap/pm_frames.h"
#include "heap/pm_stacks.h"

/* In the order in which records are shown. */
enum pm_loss_kind {
    PM_LOSS_DEFINITE,
    PM_LOSS_CYCLE,          /* garbage: a cycle of objects that no root reaches and that nobody collected */
    PM_LOSS_SURPLUS,        /* reachable, with more references than pointers to it: surplus references */
    PM_LOSS_POSSIBLE,
    PM_LOSS_INDIRECT,
    PM_LOSS_INTERPRETER,    /* lost or surplus, but the interpreter's own doing */
    PM_LOSS_REACHABLE,
    PM_LOSS_KINDS,
};

/* How much of the stack tells one leak from another. */
enum pm_loss_resolution {
    PM_LOSS_LOW,            /* the Python function, or without one the C function that wanted the memory */
    PM_LOSS_MEDIUM,         /* the Python line and the extension function that it called */
    PM_LOSS_HIGH,           /* the whole stack */
};

enum pm_loss_phase {
    PM_PHASE_IMPORT,        /* under the import system */
    PM_PHASE_MAIN,
    PM_PHASE_FINALIZATION,
    PM_PHASES,
};

struct pm_loss_item {
    enum pm_loss_kind kind;
    struct pm_stack_id stack;
    struct pm_string_id type;       /* Python type's name; "" : no object */
    u64 address;                    /* block */
    u64 bytes;                      /* as requested */
    u64 indirect_bytes, indirect_blocks;
    u64 surplus_references;
    u64 serial;                     /* of the allocation */
    u32 thread;                     /* ordinal */
    bool raising;                   /* made while an exception was propagating */
    struct pm_string_id note;       /* preview; "" : none */
};

struct pm_loss_type {
    struct pm_string_id name;
    u64 blocks;
};

struct pm_loss {
    enum pm_loss_kind kind;
    struct pm_stack_id stack;       /* of its first block */
    u64 bytes, blocks;              /* direct */
    u64 indirect_bytes, indirect_blocks;
    u64 surplus_references;
    u64 first_serial, last_serial;
    u64 phase_blocks[PM_PHASES];
    u64 raising_blocks;
    u32 thread;                     /* 0: several */
    u64 fingerprint;                /* from names, not from line numbers or addresses */
    u64 example;                    /* address of the first block */
    struct pm_string_id note;       /* of the first block */
    struct pm_loss_type *types;     /* most blocks first, ties by name */
    u32 type_count;
    struct pm_string_id *chain;     /* one line each: why it is still alive; from the root inwards */
    u32 chain_length;
    bool suppressed;
    bool left_out;          /* by --only-object or --only-file */
};

struct pm_loss_sum {
    u64 bytes, blocks;
};

struct pm_loss_key;

struct pm_losses {
    const struct pm_strings *strings;
    const struct pm_frames *frames;
    const struct pm_stacks *stacks;
    enum pm_loss_resolution resolution;
    struct pm_string_id evaluation_object;  /* of some stack's evaluation function; "": no stack has one */
    u64 finalization_serial;        /* allocations from this number on are of the finalization; 0: none */

    struct pm_loss *records;
    u32 count, capacity;
    struct pm_loss_key *keys;       /* of each record, until pm_losses_finish */
    struct pm_map by_hash;          /* hash of a key -> newest record with it + 1 */
    struct pm_map known_stacks;     /* stack -> index in stack_keys */
    struct pm_loss_key *stack_keys;
    u32 stack_key_count, stack_key_capacity;
    struct pm_loss_sum sums[PM_LOSS_KINDS];     /* direct blocks of each kind; grows with pm_losses_add */
    struct pm_loss_sum suppressed, left_out;    /* the caller's business (pm_losses_suppress,
                                                   pm_losses_leave_out); no longer part of the sums */
};

/* The frames of all stacks that will be added must be there already. */
void pm_losses_init(struct pm_losses *losses, const struct pm_strings *strings,
                    const struct pm_frames *frames, const struct pm_stacks *stacks,
                    enum pm_loss_resolution resolution);
void pm_losses_release(struct pm_losses *losses);
/* The record that the block became part of, by index; stays the same until
   pm_losses_finish. */
u32 pm_losses_add(struct pm_losses *losses, const struct pm_loss_item *item);
/* Counts one more block of type among the record's types, without its bytes: a member of the
   record's cycle. */
void pm_losses_add_type(struct pm_losses *losses, u32 record, struct pm_string_id type);
/* Appends a line to the record's chain. */
void pm_losses_add_chain(struct pm_losses *losses, u32 record, struct pm_string_id line);
/* Sorts by kind, then bytes (direct and indirect), largest first, ties by fingerprint and serial. */
void pm_losses_finish(struct pm_losses *losses);

/* Takes a record's blocks out of the sum of its kind and counts them as suppressed, or as left out. */
void pm_losses_suppress(struct pm_losses *losses, struct pm_loss *loss);
void pm_losses_leave_out(struct pm_losses *losses, struct pm_loss *loss);

/* "definitely lost", "surplus references" ... as reports say it. */
const char *pm_loss_kind_text(enum pm_loss_kind kind);

#endif
