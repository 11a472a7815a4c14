/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stages of a leak check, and what they share. pm_leak_check.c lists the stages in their
   order and calls them; each one needs the results of those before it. */
#ifndef PM_LEAK_STAGES_H
#define PM_LEAK_STAGES_H

#include "base/pm_buffer.h"
#include "base/pm_map.h"
#include "base/pm_ranges.h"
#include "cpython/pm_object.h"
#include "cpython/pm_object_owned.h"
#include "heap/pm_block.h"
#include "heap/pm_freed.h"
#include "heap/pm_leak_weak.h"
#include "heap/pm_leaks.h"
#include "heap/pm_losses.h"

struct pm_memory_scan;
struct pm_run;

/* What became of a block. */
struct pm_leak_verdict {
    u8 kind : 3;                    /* enum pm_loss_kind */
    u8 reason : 5;                  /* enum pm_loss_reason */
};

_Static_assert(PM_LOSS_KINDS <= 8 && PM_REASONS <= 32, "a verdict has one byte");

/* An owning word that points to freed memory. */
struct pm_leak_dangling {
    u32 block;                      /* of the object that owns by it */
    u64 word;
    struct pm_freed_block freed;
};

/* Flags of struct pm_leak_block that are not the search's. */
enum {
    PM_LEAK_CUSTOM = 1 << 5,            /* of an allocator of the program's own */
    PM_LEAK_COLLECTABLE = 1 << 6,       /* a leader: the collector can free its cycle */
    PM_LEAK_INTERNED_AGAIN = 1 << 7,    /* an interned string whose text another one has, which is kept */
};

/* Of one leak check. */
struct pm_leak_state {
    struct pm_run *run;
    bool python;                    /* objects can be read */
    bool objects_begun;             /* objects must be released */
    bool search_follows;            /* as the request says */
    u64 recorded_after;             /* blocks of this serial or less get no records */
    struct pm_objects objects;
    struct pm_memory_scan *scan;    /* its reader reads all memory in turn, for the search */

    /* Of the blocks, by address. A search may be made of very many, so little is kept for each: what they were
       allocated as is looked up (pm_leak_allocated). Arrays have count entries. */
    u32 count;
    struct pm_leak_block *found;    /* as the search sees them; also leaks.blocks */
    struct pm_block *custom;        /* those of the program's own allocators */
    u32 custom_count;
    struct pm_leak_verdict *verdicts;
    struct pm_object_owned *cached_names;   /* owning words of each interpreter's cache of attributes */
    u32 cached_name_tables;
    u32 *block_owners;              /* of objects: how many words own it for certain */
    struct pm_map static_owners;    /* the same of addresses that are in no block */
    struct pm_map freed_starts;     /* address -> place in run->freed.ring */
    struct pm_leak_dangling *dangling;      /* by block, ascending */
    u32 dangling_count, dangling_capacity;

    struct pm_leak_weak weak;       /* words that are no references, in blocks */
    struct pm_range *hidden;        /* memory that holds no references, anywhere */
    u32 hidden_count, hidden_capacity;
    struct pm_leaks leaks;          /* the search */
    u32 next_progress_ms;
};

/* The stages, in this order. Each of the first five costs a look at each block. */

/* Collects all live blocks, sorted by address: count, found, custom. Of blocks of the program's own
   allocators and those around them, only the inner ones. */
void pm_leak_collect_blocks(struct pm_leak_state *check);
/* Finds the objects in them, their hidden words and their weak words: found, weak. */
void pm_leak_describe_objects(struct pm_leak_state *check);
/* Finds memory that belongs to objects (items, keys, attributes): pm_leak_owner. */
void pm_leak_mark_parts(struct pm_leak_state *check);
/* Hides the content of blocks that wait in free lists. */
void pm_leak_hide_waiting_blocks(struct pm_leak_state *check);
/* Hides pointers that free lists left over: hidden, weak. */
void pm_leak_hide_left_over_pointers(struct pm_leak_state *check);
/* Hides text, numbers and flags in the interpreter's static memory: hidden. */
void pm_leak_hide_static_objects(struct pm_leak_state *check);
/* Hides borrowed pointers in the interpreter's caches: hidden, weak, cached_names. */
void pm_leak_hide_caches(struct pm_leak_state *check);
/* Hides pointers by which extensions find their objects again: weak. */
void pm_leak_hide_registrations(struct pm_leak_state *check);
/* Finds the blocks with weak words. */
void pm_leak_hide_weak_words(struct pm_leak_state *check);
/* Collects registers, stacks and data: run->roots. */
void pm_leak_collect_roots(struct pm_leak_state *check);
/* Searches: the results in found. */
void pm_leak_search(struct pm_leak_state *check);
/* Chooses the leading block of each lost cycle. */
void pm_leak_choose_leaders(struct pm_leak_state *check);
/* Finds the cycles that the collector can free: PM_LEAK_COLLECTABLE. */
void pm_leak_find_collectable_cycles(struct pm_leak_state *check);
/* Finds what destroyed interpreters interned: PM_LEAK_INTERNED_AGAIN. */
void pm_leak_find_interned_again(struct pm_leak_state *check);
/* Counts the words that own an object for certain: block_owners, static_owners, dangling. */
void pm_leak_count_owners(struct pm_leak_state *check);
/* Decides on the kind of each block: verdicts. */
void pm_leak_judge(struct pm_leak_state *check);
/* Makes loss records. all: also of blocks that are still reachable. */
void pm_leak_record(struct pm_leak_state *check, bool all, struct pm_losses *losses);

/* Counts all blocks by stack and type. Cost: a look at each object. */
void pm_leak_count_types(struct pm_leak_state *check, struct pm_type_sums *sums);

/* Adds memory that holds no references to hidden. */
void pm_leak_hide(struct pm_leak_state *check, u64 start, u64 end);

/* For stages, once objects are described. */

/* The block as it was allocated. Cost: a look-up. */
const struct pm_block *pm_leak_allocated(const struct pm_leak_state *check, u32 index);
/* The block with the object that this memory belongs to, or PM_LEAK_NONE. Kept in the place of references: those of
   memory that is no object are not counted. */
static inline u32 pm_leak_owner(const struct pm_leak_state *check, u32 index)
{
    const struct pm_leak_block *block = &check->found[index];
    return block->flags & PM_LEAK_OBJECT ? PM_LEAK_NONE : block->references - 1;
}
/* The object in a block; false: there is none. */
bool pm_leak_identify(struct pm_leak_state *check, u32 index, struct pm_object *object);
/* Bytes that a debug hook keeps at the start of a block. */
u64 pm_leak_hook_prefix(const struct pm_leak_state *check, u32 index);
/* Whether the object claims more references than pointers to it were found. */
bool pm_leak_has_surplus(const struct pm_leak_state *check, u32 index,
                         const struct pm_object *object);
/* How many references are missing, at least: more words own the object than it has references. 0: it is not
   known that any are. Once owners are counted. */
u64 pm_leak_missing_references(const struct pm_leak_state *check, u32 index,
                               const struct pm_object *object);
/* The same of an address in static_owners, whose object is described. */
u64 pm_leak_missing_static_references(struct pm_leak_state *check, u64 address, u64 owners,
                                      struct pm_object *object);
/* For the stage that counts owners. begin: once, first. note: an owning word, in no order but ascending
   blocks, whose value is in no live block. */
void pm_leak_dangling_begin(struct pm_leak_state *check);
void pm_leak_dangling_note(struct pm_leak_state *check, u32 block, u64 word, u64 value);
/* The dangling words by which the object in a block owns; *count may be 0. Once owners are counted. */
const struct pm_leak_dangling *pm_leak_dangling_of(const struct pm_leak_state *check, u32 block, u32 *count);
/* Appends "[3] points to freed memory, a block of 57 bytes allocated at job.py:5 and freed at job.py:12". */
void pm_leak_dangling_add(struct pm_leak_state *check, const struct pm_object *owner,
                          const struct pm_leak_dangling *dangling, struct pm_buffer *out);
/* The reason for a block's kind, with its evidence; once blocks are judged. Interns the name of
   the root that points to the block. */
void pm_leak_explain(struct pm_leak_state *check, u32 index, struct pm_loss_why *why);

#endif
