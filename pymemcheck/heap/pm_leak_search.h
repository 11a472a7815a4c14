/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the parts of the leak search: pm_leaks.c and pm_leak_lost.c. Nobody else may
   include it. */
#ifndef PM_LEAK_SEARCH_H
#define PM_LEAK_SEARCH_H

#include "base/pm_platform.h"
#include "heap/pm_leaks.h"

enum pm_leak_mark {
    PM_MARK_NONE,
    PM_MARK_CANDIDATE,      /* only interior pointers in reachable memory lead to it, so far */
    PM_MARK_POSSIBLE,
    PM_MARK_REACHABLE,
    PM_MARK_LEADER,         /* definitely lost, so far */
    PM_MARK_INDIRECT,
};

_Static_assert(PM_MARK_INDIRECT < 8, "a mark is kept in three bits");

/* A word that may be a pointer: where it is, and what it points to. */
struct pm_leak_word {
    u64 value;
    u64 where;              /* address; of values, the index */
    u32 from_block;         /* or PM_LEAK_NONE: in a root */
    u32 from_root;
    u32 block;
    bool is_start;          /* it points to the block's start or to its object */
};

enum { PM_LEAK_BATCH = 512 };

struct pm_leak_search {
    struct pm_leaks *leaks;
    struct pm_leak_block *blocks;   /* those of leaks */
    u32 *queue;             /* a ring of blocks to look at; each enters it at most once */
    u32 queue_capacity;     /* a power of two */
    u32 head, tail;         /* the ring's places, modulo its capacity */
    u32 *candidates;        /* in the order of discovery */
    u32 candidate, candidate_count, candidate_capacity;
    struct pm_ranks lost;   /* in the third step */
    void (*visit)(struct pm_leak_search *search, const struct pm_leak_word *word);
    u32 holders[PM_LEAK_PREFERRED_MOST];    /* blocks that keep preferred ones alive */
    u32 holder_count;
    u32 leader;             /* of the clique that is being gathered */
    bool count_references;
    u64 progress_at, all_bytes;
    u32 batched;
    struct pm_leak_word batch[PM_LEAK_BATCH];
    const u8 *entries[PM_LEAK_BATCH];
};

/* Puts a block at the end of the queue. */
void pm_leak_enqueue(struct pm_leak_search *search, u32 block);
/* The block number ahead in the queue, from 0. */
static inline u32 pm_leak_queued(const struct pm_leak_search *search, u32 ahead)
{
    return search->queue[(search->head + ahead) & (search->queue_capacity - 1)];
}

/* Puts the words of a block into the batch; visits a full batch. */
void pm_leak_gather_block(struct pm_leak_search *search, u32 block);
/* Visits the words in the batch. */
void pm_leak_flush(struct pm_leak_search *search);
/* Prefetches memory that pm_leak_gather_block will need for the next blocks in the queue. */
void pm_leak_prefetch_queue(const struct pm_leak_search *search);
/* Visits the words of each block in the queue, until the queue is empty. */
void pm_leak_empty_queue(struct pm_leak_search *search);

/* Notes what a word leads to, and by which word. */
void pm_leak_mark(struct pm_leak_search *search, const struct pm_leak_word *word, enum pm_leak_mark what);
/* What is done with each word of what is reachable. */
void pm_leak_visit_definite(struct pm_leak_search *search, const struct pm_leak_word *word);
/* Call it when the words of roots were visited. Looks at all that the preferred blocks lead to, and then at the other
   blocks to which roots point: each block once. */
void pm_leak_search_preferred(struct pm_leak_search *search);

/* The aligned words of a block before and after its hidden bytes: from ranges[0] to ranges[1],
   and from ranges[2] to ranges[3]; ends not included. */
void pm_leak_word_ranges(const struct pm_leak_block *block, u64 ranges[4]);

/* At least one byte, so that a block of no bytes has an address too. */
static inline u64 pm_leak_room(const struct pm_leak_block *block)
{
    return block->bytes > 0 ? block->bytes : 1;
}

/* The block to compare value with. entry: the entry of the page's list, or NULL. */
static inline u32 pm_leak_nearest(const struct pm_leak_search *search, u32 first, const u8 *entry,
                                  u64 value)
{
    u32 block = first + (entry != NULL ? *entry : 0);

    if (__builtin_expect(entry != NULL && *entry == PM_LEAK_INDEX_MANY, 0))
        while (block + 1 < search->leaks->block_count && search->blocks[block + 1].address <= value)
            block++;
    return block;
}

/* Finds out what word->value points to; block is the last block that may hold it. False: it
   is no reference. */
static inline bool pm_leak_resolve(const struct pm_leak_search *search, struct pm_leak_word *word,
                                   u32 block)
{
    const struct pm_leak_block *target = &search->blocks[block];
    u64 value = word->value, object;

    while (value < target->address && block > 0)
        target = &search->blocks[--block];
    if (value - target->address >= pm_leak_room(target))
        return false;
    object = target->address + target->object_offset;
    if ((target->flags & PM_LEAK_OBJECT) && (value & ~search->leaks->tag_bits) == object)
        value = object;
    if ((target->flags & PM_LEAK_HEADER_HIDDEN) && value < object)
        return false;
    word->block = block;
    word->is_start = value == object || value == target->address;
    return word->is_start || !(target->flags & PM_LEAK_START_ONLY);
}

/* Whether the word at address in a block is a weak word: no reference. */
static inline bool pm_leak_is_weak(const struct pm_leak_search *search, u32 block, u64 address)
{
    return block != PM_LEAK_NONE && (search->blocks[block].flags & PM_LEAK_WEAK_WORDS)
        && search->leaks->is_weak != NULL
        && search->leaks->is_weak(search->leaks->context, block, address);
}

/* The first aligned word of a block or a root in memory. */
static inline u64 pm_leak_first_word(u64 address)
{
    return (address + 7) & ~(u64)7;
}

/* Classifies the blocks that nothing reaches (pm_leak_lost.c). */
void pm_leak_search_lost(struct pm_leak_search *search);

#endif
