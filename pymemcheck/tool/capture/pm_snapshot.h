/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stacks that need not be computed again.

   What pm_capture_stack finds depends on two registers, on the slot of the
   thread, and on words of client memory: return addresses, and fields of the
   interpreter's frames. A snapshot keeps those words beside the result. While
   each holds what it held the result is the same, and comparing them is far
   cheaper than following and decoding the chains they belong to.

   What else the result depends on: the code objects, told by their tags
   (pm_python_code_tag), which are looked at when any known code object died
   since the snapshot was last right; and what native addresses mean, told by
   the caller's generation.

   Where stacks hardly repeat, as in imports, looking for snapshots costs more than it saves. What both are worth
   is counted, and as long as they do not pay they rest.

   docs/decisions/snapshots.md says why this is exact. */
#ifndef PM_SNAPSHOT_H
#define PM_SNAPSHOT_H

#include "base/pm_reader.h"
#include "base/pm_trace.h"
#include "base/pm_types.h"
#include "cpython/pm_walk.h"
#include "heap/pm_stacks.h"
#include "tool/capture/pm_python.h"

enum {
    PM_SNAPSHOT_SETS = 2048,
    PM_SNAPSHOT_WAYS = 4,
    PM_SNAPSHOT_WORDS = 256,    /* a result that depends on more, or has more frames, is not kept */
    /* Of a snapshot at most: each word in a page of its own, the tags, their sum. */
    PM_SNAPSHOT_U64S = PM_SNAPSHOT_WORDS * (3 + 2) + PM_SNAPSHOT_WORDS / 4 + 1,
};

struct pm_snapshot_key {
    u64 stack_pointer, instruction;
    u64 slot;           /* of the thread, 0 for none */
    u64 hint;           /* pm_walk_peek: spreads what else would share an entry */
};

/* In the order in which it is looked at. */
struct pm_snapshot {
    struct pm_snapshot_key key;
    u64 *content;               /* see pm_snapshot.c; kept when the entry is replaced */
    u64 reader_generation;      /* when the pages were last looked at */
    u32 generation;             /* the caller's; 0: empty */
    u32 code_deaths;            /* pm_python's, when the tags were last looked at */
    u16 wholes, parts, pages, codes;    /* of content */
    struct pm_snapshot *next;   /* what was right after it the last time; NULL: none yet */
    struct pm_stack_id stack;
    u32 site;                   /* the owner's note of the stack's site */
    u32 debug_hooks;
    u32 capacity;               /* of content */
    u32 vain;                   /* how often in a row it was looked at and was not right */
};

struct pm_snapshots {
    struct pm_reader *reader;
    const struct pm_python *python;
    struct pm_snapshot *entries;
    u16 *tags;                  /* by entry: part of the hash of its key */
    u8 *next_way;               /* by set: which entry is replaced next */
    struct pm_snapshot *last;   /* what was right last; an entry of no use in the beginning */
    i64 balance;                /* of this period: what was saved, less what it cost */
    u32 left;                   /* stacks until it ends */
    u32 rests;                  /* in a row: how often the balance was negative */
    bool resting;
    u64 scratch[PM_SNAPSHOT_U64S];
};

void pm_snapshots_init(struct pm_snapshots *snapshots, struct pm_reader *reader,
                       const struct pm_python *python);

/* Whether snapshots are to be looked for and kept now. To be asked once for each stack. */
bool pm_snapshots_pay(struct pm_snapshots *snapshots);

/* The snapshot that followed the last one the last time, if it is right now, else
   NULL. key needs no hint. Valid until the next call of pm_snapshots_keep. */
struct pm_snapshot *pm_snapshots_expected(struct pm_snapshots *snapshots,
                                          const struct pm_snapshot_key *key,
                                          u32 generation);

/* The snapshot of generation that is right now, or NULL. Valid until the next
   call of pm_snapshots_keep. */
struct pm_snapshot *pm_snapshots_find(struct pm_snapshots *snapshots,
                                      const struct pm_snapshot_key *key, u32 generation);

/* Keeps a result, unless its trace is incomplete: the stack, which was computed
   from the words of trace, just now, and from the code objects of frames. */
void pm_snapshots_keep(struct pm_snapshots *snapshots, const struct pm_snapshot_key *key,
                       u32 generation, const struct pm_trace *trace,
                       const struct pm_raw_frame *frames, unsigned count,
                       struct pm_stack_id stack, u32 site, u32 debug_hooks);

#endif
