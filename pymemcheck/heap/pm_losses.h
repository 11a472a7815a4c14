/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loss records: what the leak search found, merged so that one leak is one
   record. Suppressions match records, and every writer shows them.

   Order of calls: pm_losses_init; pm_losses_list_blocks if the blocks of each record are
   wanted; pm_losses_add for each block that the search classified; pm_losses_finish, which
   sorts the records. Strings and stacks are interned elsewhere; the records own only their
   lists. */
#ifndef PM_LOSSES_H
#define PM_LOSSES_H

#include "base/pm_map.h"
#include "base/pm_strings.h"
#include "base/pm_types.h"
#include "heap/pm_frames.h"
#include "heap/pm_loss_blocks.h"
#include "heap/pm_loss_places.h"
#include "heap/pm_stacks.h"
#include "heap/pm_tables.h"
#include "heap/pm_type_sums.h"

/* In the order in which reports show records. */
enum pm_loss_kind {
    PM_LOSS_DEFINITE,
    PM_LOSS_CYCLE,          /* a cycle of objects that no root reaches and the collector cannot free */
    PM_LOSS_SURPLUS,        /* reachable, with a count above the number of pointers to it */
    PM_LOSS_DEFICIT,        /* reachable, with a count below the number of words that own it, or it
                               owns memory that was freed */
    PM_LOSS_POSSIBLE,
    PM_LOSS_INDIRECT,
    PM_LOSS_INTERPRETER,    /* lost, but the interpreter's own doing */
    PM_LOSS_REACHABLE,
    PM_LOSS_KINDS,
};

/* How much of two stacks must be equal for their blocks to be one leak. */
enum pm_loss_resolution {
    PM_LOSS_LOW,            /* the Python function, or without one the C function that wanted the memory */
    PM_LOSS_MEDIUM,         /* the Python line and the extension function that it called */
    PM_LOSS_HIGH,           /* the whole stack */
};

enum pm_loss_phase {
    PM_PHASE_IMPORT,        /* the import system is on the stack */
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
    u64 references;                 /* of an object: its reference count; 0: no object */
    u64 pointers;                   /* ... pointers to it that were found */
    bool overcounted;               /* ... its count is higher than that */
    u64 missing_references;         /* of PM_LOSS_DEFICIT, at least */
    u32 dangling_words;             /* of PM_LOSS_DEFICIT: by which the object owns memory that was freed */
    bool is_static;                 /* the object is in static memory, at address: it has no block and no stack. It
                                       gets a record of its own, whose blocks are the missing references */
    u64 serial;                     /* of the allocation */
    u32 thread;                     /* ordinal */
    bool raising;                   /* allocated while an exception was raised */
    struct pm_string_id note;       /* preview; "" : none */
    /* For the list of blocks; not needed without pm_losses_list_blocks. */
    u64 leader;                     /* as in struct pm_loss_block */
    struct pm_loss_why why;
};

struct pm_balance_verdict;

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
    u64 missing_references;
    u64 dangling_words;
    u64 first_serial, last_serial;
    bool is_static;                 /* the object is in static memory; blocks are missing references */
    u64 phase_blocks[PM_PHASES];
    u64 raising_blocks;
    u64 overcounted_blocks;         /* objects whose count is higher than the number of pointers found */
    u64 references, pointers;       /* of the first block; references is 0 if it is no object */
    u32 thread;                     /* 0: several */
    u64 fingerprint;                /* made of names, not of line numbers or addresses */
    u64 example;                    /* address of the first block */
    struct pm_string_id note;       /* of the first block */
    struct pm_loss_type *types;     /* most blocks first, ties by name */
    u32 type_count;
    struct pm_string_id *chain;     /* why it is still alive, one line each, from the root inwards */
    u32 chain_length;
    struct pm_string_id expression; /* the chain's first lines as a Python expression; "": none */
    u32 expression_lines;           /* so many lines of the chain are in it */
    struct pm_loss_places places;   /* in the C function that the Python line called; without Python,
                                       in the innermost function */
    u64 chain_blocks;               /* so many of its blocks are kept alive by what keeps the chain's block */
    /* After pm_losses_finish, if blocks are listed: the first ones, for reports to show. */
    const struct pm_loss_block *shown_blocks;
    u32 shown_block_count;
    const struct pm_balance_verdict *balance;   /* of its watched objects; NULL: it has none. Not owned */
    bool suppressed;
    bool left_out;                  /* by --only-object, --only-file or --only-phase */
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
    const struct pm_ranges *finalizations;  /* of serials: allocations made during finalization; NULL: none.
                                               The caller owns it */

    struct pm_loss *records;
    u32 count, capacity;
    struct pm_loss_key *keys;       /* of each record, until pm_losses_finish */
    struct pm_map by_hash;          /* hash of a key -> newest record with it + 1 */
    struct pm_map known_stacks;     /* stack -> index in stack_keys */
    struct pm_loss_key *stack_keys;
    u32 stack_key_count, stack_key_capacity;
    struct pm_loss_sum sums[PM_LOSS_KINDS];     /* direct blocks of each kind; grows with pm_losses_add */
    struct pm_loss_sum suppressed, left_out;    /* taken out of sums by pm_losses_suppress and
                                                   pm_losses_leave_out */
    struct pm_type_sums types;      /* of all that was in use, if they were counted */
    bool lists_blocks;
    u32 shown_most;                 /* of the blocks of each record */
    struct pm_loss_blocks blocks;   /* of all records; empty without lists_blocks */
};

/* The frames of all stacks that will be added must be there already. */
void pm_losses_init(struct pm_losses *losses, const struct pm_strings *strings,
                    const struct pm_frames *frames, const struct pm_stacks *stacks,
                    enum pm_loss_resolution resolution);
void pm_losses_release(struct pm_losses *losses);
/* Before blocks are added: keeps the list of each record's blocks. Reports show the first
   shown_most of each record. */
void pm_losses_list_blocks(struct pm_losses *losses, u32 shown_most);
/* The record that the block became part of, by index; stays the same until
   pm_losses_finish. */
u32 pm_losses_add(struct pm_losses *losses, const struct pm_loss_item *item);
/* Counts one more block of type among the record's types, without its bytes: for a member of
   the record's cycle. */
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
