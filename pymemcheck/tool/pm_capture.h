/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is asking: the mixed stack of a thread, interned.

   The usual allocation finds a snapshot (pm_snapshot.h) that is right. For others
   what is read is raw: a native stack (pm_unwind.h) and (code object, position)
   pairs. A direct-mapped memo remembers which stack each raw sequence gave,
   compared word by word, so that names are looked up for new ones only. It takes a
   sequence that it meets for the second time, and a snapshot is kept at the third. A code
   object that dies takes its entries with it by its tag; when objects are loaded
   or unloaded the whole memo is dropped. */
#ifndef PM_CAPTURE_H
#define PM_CAPTURE_H

#include "base/pm_types.h"
#include "cpython/pm_walk.h"
#include "heap/pm_frames.h"
#include "heap/pm_splice.h"
#include "heap/pm_stacks.h"
#include "tool/pm_snapshot.h"
#include "tool/pm_unwind.h"

struct pm_run;

#define PM_MEMO_ENTRIES 65536

struct pm_memo_entry {
    u64 hash;
    u64 *words;
    u32 length, capacity;       /* words */
    u32 generation;
    struct pm_stack_id stack;
    u32 debug_hooks;
};

struct pm_captured {
    struct pm_stack_id stack;
    u32 debug_hooks;            /* CPython's debug hooks on the way to malloc: each added to the
                                   request (pm_layout_hook_padding) */
};

struct pm_capture {
    struct pm_memo_entry *memo;
    u32 *memo_tags;             /* by entry: part of the hash of what was last met there */
    u32 generation;
    u32 python_limit;
    struct pm_unwind unwind;
    struct pm_snapshots snapshots;
    struct pm_trace trace;              /* scratch, PM_SNAPSHOT_WORDS */
    u64 *words;                         /* scratch: the raw sequence */
    struct pm_raw_frame *raw;           /* scratch, python_limit */
    struct pm_splice_native *native;    /* scratch, --num-callers= */
    struct pm_splice_python *python;    /* scratch, python_limit + 1 */
    struct pm_frame_id *joined;         /* scratch */
    struct pm_frame_id more_frames;     /* the note for frames beyond the limit */
    struct pm_frame_id unreadable;      /* the note for frames that could not be read */
};

/* Sets up the scratch space; options must have been processed. */
void pm_capture_init(struct pm_run *run);

/* The stack of thread tid now. */
struct pm_captured pm_capture_stack(struct pm_run *run, u32 tid);

#endif
