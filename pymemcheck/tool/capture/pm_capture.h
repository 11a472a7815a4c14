/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is asking: the mixed stack of a thread, interned.

   Most allocations find a snapshot (pm_snapshot.h) that is right. For the others, a native stack
   (pm_unwind.h) and the Python frames, as pairs of code object and position, are read. Each of
   these two parts gets a number by the names of its frames, and one look-up of the two numbers
   finds the stack (pm_pairs.h).

   A native stack is unwound up to --num-callers= frames. If that many do not reach the innermost
   evaluation of Python, the extension's function that Python called may be missing. Such a stack is
   unwound again, up to the evaluation or PM_CAPTURE_NATIVES frames, unless its outer frames are the
   last such stack's. Of the interpreter's frames beyond --num-callers= only the outermost of several
   in a row are kept: the compiler and the parser recurse, and each depth would be another stack.

   The number of a native part is remembered by the addresses, until objects are loaded or
   unloaded. Of the Python frames, only those are named that differ from the last stack's, counted
   from the outermost one. For this, more frames are looked at than are reported: otherwise a
   stack that is cut would have another outermost frame after each call.

   A snapshot is kept of a stack that comes again and again. */
#ifndef PM_CAPTURE_H
#define PM_CAPTURE_H

#include "base/pm_types.h"
#include "cpython/pm_walk.h"
#include "heap/pm_frames.h"
#include "heap/pm_pairs.h"
#include "heap/pm_splice.h"
#include "heap/pm_stacks.h"
#include "tool/capture/pm_snapshot.h"
#include "tool/capture/pm_unwind.h"

struct pm_run;

#define PM_CAPTURE_MET 32768
#define PM_CAPTURE_OFTEN 7      /* so often a stack must come before a snapshot is kept */
#define PM_CAPTURE_NATIVES 48   /* native frames of a stack that are unwound to reach an evaluation */
/* Python frames that are looked at beyond those that are reported. */
#define PM_CAPTURE_BEYOND 32

/* What a native stack means. */
struct pm_known_natives {
    struct pm_native_part part;
    u32 debug_hooks;                /* as in struct pm_captured */
};

/* A Python frame of the last stack. */
struct pm_last_frame {
    struct pm_raw_frame raw;
    u32 tag;                        /* of its code object, at that time */
    bool unsteady;                  /* it, or a frame outside of it, may change unnoticed */
    struct pm_python_part part;     /* from the outermost frame to this one */
};

struct pm_captured {
    struct pm_stack_id stack;
    u32 *site;                  /* where the caller may note the stack's site (pm_site_note); valid
                                   until the next capture */
    u32 debug_hooks;            /* CPython's debug hooks on the way to malloc: each added to the
                                   request (pm_layout_hook_padding) */
};

struct pm_capture {
    u32 generation;             /* of what native addresses mean; from 1 */
    u32 python_limit;           /* Python frames that are reported */
    u32 walk_limit;             /* Python frames that are looked at: more */
    struct pm_unwind unwind;
    struct pm_snapshots snapshots;
    struct pm_trace trace;              /* scratch, PM_SNAPSHOT_WORDS */
    struct pm_pairs pairs;
    struct pm_last_frame *last;         /* outermost first */
    unsigned last_count;
    u32 last_deaths;                    /* of code objects, when those of last were known to live */
    struct pm_rewalk rewalk;            /* of the last stack's walk */
    enum pm_walk_end last_end;          /* how that stack's walk ended */
    u16 *met;                           /* by hash of key and pair: part of the hash, and how often
                                           it was met */
    struct pm_raw_frame *raw;           /* scratch, walk_limit */
    struct pm_splice_native *native;    /* scratch: --num-callers= or PM_CAPTURE_NATIVES */
    struct pm_frame_id unreadable;      /* the note for frames that could not be read */
};

/* Options must have been processed. */
void pm_capture_init(struct pm_run *run);

/* The stack of thread tid, which must be running, now. */
struct pm_captured pm_capture_stack(struct pm_run *run, u32 tid);

#endif
