/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The leak search: which live blocks can still be reached, from where, and how
   many references to each object there are in memory. Kinds have Memcheck's
   meaning (memcheck/mc_leakcheck.c, 3.19, "Definitions").

   The search knows nothing of CPython. The caller tells where in a block an object starts, and
   which words of the block are no references.

   Order of calls: pm_leaks_init; fill blocks (ascending addresses, no overlap)
   and roots, which the caller owns; pm_leaks_search; read the results in the
   blocks; pm_leaks_release. Cost: linear in the words of roots and blocks. Each is
   looked at once; those of lost blocks two or three times. Memory during the search:
   4 bytes a block besides struct pm_leak_block, 38 more for each lost one, and that of pm_leak_index.h. */
#ifndef PM_LEAKS_H
#define PM_LEAKS_H

#include "base/pm_ranks.h"
#include "base/pm_reader.h"
#include "base/pm_types.h"
#include "heap/pm_leak_index.h"

enum pm_leak_kind {
    PM_LEAK_REACHABLE,      /* a chain of start pointers leads to it from a root */
    PM_LEAK_POSSIBLE,       /* the chain needs an interior pointer */
    PM_LEAK_INDIRECT,       /* only a lost block leads to it */
    PM_LEAK_DEFINITE,       /* nothing leads to it; the first block of a lost clique */
};

enum pm_leak_heuristic {
    PM_LEAK_STDSTRING = 1 << 0,
    PM_LEAK_LENGTH64 = 1 << 1,
    PM_LEAK_NEWARRAY = 1 << 2,
    PM_LEAK_MULTIPLE_INHERITANCE = 1 << 3,
};

enum pm_leak_flag {
    /* Pointers to bytes before object_offset are no references to the block: they belong to the
       collector or to a debug hook. */
    PM_LEAK_HEADER_HIDDEN = 1 << 0,
    /* It holds an object; the search counts the references to it. */
    PM_LEAK_OBJECT = 1 << 1,
    /* Its words are not looked at: it holds no pointers. */
    PM_LEAK_OPAQUE = 1 << 2,
    /* Some of its words look like references and are none: is_weak tells which. */
    PM_LEAK_WEAK_WORDS = 1 << 3,
    /* Interior pointers to it are no references: a pointer to the text of a str does not own it. */
    PM_LEAK_START_ONLY = 1 << 4,
};

#define PM_LEAK_NONE 0xffffffffu
#define PM_LEAK_PREFERRED_MOST 8

/* 32 bytes, since a search needs one for each live block: two fit into a line of the processor's cache. The search
   keeps what it needs meanwhile in the places of results. */
struct pm_leak_block {
    /* From the caller. */
    u64 address : 47;
    u64 flags : 8;              /* enum pm_leak_flag */
    /* Results. */
    u64 kind : 3;               /* enum pm_leak_kind; during the search enum pm_leak_mark */
    u64 heuristic : 4;          /* the enum pm_leak_heuristic that made it reachable, or 0 */
    u64 cycle : 1;              /* lost, and in the cycle of its leader: start pointers lead from it to its leader and
                                   back, or it is the leader and points to itself */
    u64 with_leader : 1;        /* lost, and pointers of any kind lead from it to its leader and back, or it is the
                                   leader. Only with merge_cliques */
    /* From the caller. */
    u64 bytes : 44;
    u64 object_offset : 12;     /* a pointer there is a start pointer too */
    u64 hidden_first : 4, hidden_end : 4;   /* in words of 8 bytes from the start: those that are not looked at;
                                               equal: none */
    /* Results. */
    u32 references;             /* of an object: words in roots and in all blocks, lost ones too, that point to it
                                   (address + object_offset), tag bits aside. Else it is the caller's */
    u32 leader;                 /* index of the lost block that an indirectly lost one belongs to
                                   (definitely lost, or possibly with cliques_of_possible); its own index
                                   otherwise. During the search: pointers in the shortest chain from a root, so far */
    /* The last pointer of one shortest chain from a root to a reachable or possibly lost block: see
       pm_leak_from_block and the functions after it. If a preferred block leads to it, one shortest chain
       from there. */
    u32 from;                   /* index of the block with the pointer, or PM_LEAK_FROM_ROOT and that of the root, or
                                   PM_LEAK_NONE */
    u32 from_word;              /* which of the block's or the root's aligned words it is */
};

_Static_assert(sizeof(struct pm_leak_block) == 32, "memory of a search");

#define PM_LEAK_FROM_ROOT 0x80000000u
#define PM_LEAK_MAX_OBJECT_OFFSET ((1u << 12) - 1)
#define PM_LEAK_MAX_HIDDEN_WORD 15u

/* What belongs to a lost block that leads others. */
struct pm_leak_clique {
    u64 bytes, blocks;          /* of the other blocks of its clique */
    u32 cycle_blocks;           /* how many blocks its cycle has; 0: none */
};

enum pm_leak_root_kind {
    PM_LEAK_ROOT_REGISTERS,     /* values */
    PM_LEAK_ROOT_STACK,
    PM_LEAK_ROOT_DATA,          /* a writable mapping */
};

struct pm_leak_root {
    enum pm_leak_root_kind kind;
    u32 thread;                 /* ordinal, of registers and stack; else 0 */
    const u64 *values;          /* registers: count of them in bytes / 8; NULL: read the program's memory */
    u64 start, bytes;           /* client memory; only aligned words of eight bytes are looked at */
    bool foreign;               /* its words are no interior pointers to objects */
};

struct pm_leaks {
    struct pm_reader *reader;
    struct pm_leak_block *blocks;
    u32 block_count;
    const struct pm_leak_root *roots;
    u32 root_count;
    u32 heuristics;             /* enum pm_leak_heuristic */
    bool cliques_of_possible;   /* with merge_cliques. For Memcheck, all that interior pointers lead to is possibly lost,
                                   each block by itself. True: what a lost block holds is indirectly lost
                                   with it, whatever interior pointers lead there; and of lost blocks that hold
                                   each other, one is possibly lost and the others are indirectly lost with it
                                   if an interior pointer leads to any of them */
    bool merge_cliques;         /* for Memcheck, a lost cycle that a lost block holds is definitely
                                   lost if its address is lower, and indirectly lost if it is higher.
                                   True: it is always indirectly lost */
    /* Blocks that explain better than roots do why others are alive: chains go through one of them wherever they can.
       What is reachable does not depend on it. */
    u32 preferred[PM_LEAK_PREFERRED_MOST];
    u32 preferred_count;
    u64 tag_bits;               /* low bits that references to objects may have set, such as 3 (CPython
                                   3.14's _PyStackRef) */
    /* Whether a table of virtual functions may be at address (a multiple of 8, not in page 0). For
       PM_LEAK_MULTIPLE_INHERITANCE, which finds nothing if this is NULL. */
    bool (*is_vtable)(void *context, u64 address);
    /* Whether the word at address, in a block with PM_LEAK_WEAK_WORDS, is no reference. The search
       asks for words that point to a block, perhaps more than once. NULL: no word is weak. */
    bool (*is_weak)(void *context, u32 block, u64 address);
    /* Called for words, in roots and reachable blocks, whose value is between blocks, or from missed_from up to missed_to
       and in no block. NULL: not asked for. */
    void (*missed)(void *context, u64 value);
    u64 missed_from, missed_to;
    /* Called now and then with the bytes done and all bytes; may print, may be NULL. */
    void (*progress)(void *context, u64 done_bytes, u64 all_bytes);
    void *context;
    u64 scanned_bytes;          /* result: bytes looked at */
    u64 unreadable_bytes;       /* result: bytes that could not be read */

    struct pm_leak_index index; /* of the search; until pm_leaks_release */
    struct pm_ranks leaders;    /* lost blocks that have a clique */
    struct pm_leak_clique *cliques;         /* by rank of the leader */
};

void pm_leaks_init(struct pm_leaks *leaks, struct pm_reader *reader);
void pm_leaks_search(struct pm_leaks *leaks);
void pm_leaks_release(struct pm_leaks *leaks);

/* The block that holds address, or PM_LEAK_NONE. Cost: a binary search before
   pm_leaks_search, a table look-up after it. */
u32 pm_leaks_block_at(const struct pm_leaks *leaks, u64 address);

/* What the block leads; all 0 if nothing. After pm_leaks_search. */
struct pm_leak_clique pm_leaks_clique(const struct pm_leaks *leaks, u32 leader);
/* Finds the cliques again, after the caller changed kinds, leaders or cycles. */
void pm_leaks_find_cliques(struct pm_leaks *leaks);

/* The block with the last pointer of a shortest chain to a block, or PM_LEAK_NONE; if NONE, the root with it, or
   PM_LEAK_NONE. */
static inline u32 pm_leak_from_block(const struct pm_leak_block *block)
{
    return block->from & PM_LEAK_FROM_ROOT ? PM_LEAK_NONE : block->from;
}

static inline u32 pm_leak_from_root(const struct pm_leak_block *block)
{
    return block->from != PM_LEAK_NONE && (block->from & PM_LEAK_FROM_ROOT) ? block->from & ~PM_LEAK_FROM_ROOT
        : PM_LEAK_NONE;
}

/* Where that pointer is; for values, its index. */
u64 pm_leak_from_address(const struct pm_leaks *leaks, const struct pm_leak_block *block);

#endif
