/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stacks that need not be computed again.

   What pm_capture_stack finds depends on two registers, on the thread's slot, and on words of
   client memory: return addresses, and fields of the interpreter's frames. A snapshot keeps
   those words beside the result. While all of them hold, the result is the same, and comparing
   them is far cheaper than following and decoding the chains that they belong to.

   The result depends on two more things. Code objects: their tags (pm_python_code_tag) are
   compared when any known code object died since the snapshot was last found right. The
   meaning of native addresses: the caller's generation stands for it.

   Cost of a hit: a look-up in one set of four entries, and one compare for each word.

   docs/decisions/snapshots.md says why this is exact. */
#ifndef PM_SNAPSHOT_H
#define PM_SNAPSHOT_H

#include "base/pm_reader.h"
#include "base/pm_trace.h"
#include "base/pm_types.h"
#include "base/pm_watched_words.h"
#include "cpython/pm_walk.h"
#include "heap/pm_stacks.h"
#include "tool/capture/pm_python.h"

enum {
    PM_SNAPSHOT_SETS = 512,
    PM_SNAPSHOT_WAYS = 4,
    PM_SNAPSHOT_WORDS = 256,    /* a result that depends on more words, or has more frames, is
                                   not kept */
};

struct pm_snapshot_key {
    u64 stack_pointer, instruction;
    u64 slot;                   /* of the thread, 0 for none */
    u64 python_position;        /* pm_walk_peek: spreads stacks that would share an entry */
};

/* In the order in which it is read. */
struct pm_snapshot {
    struct pm_snapshot_key key;
    u32 generation;             /* the caller's; 0: empty */
    u32 code_deaths;            /* pm_python's, when the tags were last compared */
    struct pm_watched_words words;
    struct pm_snapshot *next;   /* the one that was right after it the last time; NULL: none yet */
    struct pm_stack_id stack;
    u32 site;                   /* the owner's note of the stack's site */
    u32 debug_hooks;
    u32 failures;               /* how often in a row it was compared and was not right */
    u16 *code_tags;             /* for each code object: the index of its tag */
    u32 code_count, code_capacity;
    u64 code_tags_sum;
};

struct pm_snapshots {
    struct pm_reader *reader;
    const struct pm_python *python;
    struct pm_snapshot *entries;
    u16 *tags;                  /* by entry: part of the hash of its key */
    u8 *next_way;               /* by set: which entry is replaced next */
    struct pm_snapshot *last;   /* the one that was right last; at first an empty entry */
};

/* reader and python are borrowed. */
void pm_snapshots_init(struct pm_snapshots *snapshots, struct pm_reader *reader,
                       const struct pm_python *python);

/* The snapshot that followed the last one the last time, if it is right now, else NULL.
   Ignores key's python_position. Valid until the next call of pm_snapshots_keep. */
struct pm_snapshot *pm_snapshots_expected(struct pm_snapshots *snapshots,
                                          const struct pm_snapshot_key *key,
                                          u32 generation);

/* The snapshot of generation that is right now, or NULL. Valid until the next call of
   pm_snapshots_keep. */
struct pm_snapshot *pm_snapshots_find(struct pm_snapshots *snapshots,
                                      const struct pm_snapshot_key *key, u32 generation);

/* Keeps a result: the stack, which was computed just now from the words of trace and from the
   code objects of frames. Keeps nothing if the trace is incomplete. */
void pm_snapshots_keep(struct pm_snapshots *snapshots, const struct pm_snapshot_key *key,
                       u32 generation, const struct pm_trace *trace,
                       const struct pm_raw_frame *frames, unsigned count,
                       struct pm_stack_id stack, u32 site, u32 debug_hooks);

#endif
