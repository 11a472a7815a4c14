/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the interpreter's own chain of frames. No names are looked up here:
   this runs at every allocation. */
#ifndef PM_WALK_H
#define PM_WALK_H

#include "base/pm_reader.h"
#include "base/pm_trace.h"
#include "base/pm_types.h"
#include "cpython/pm_interpreter.h"
#include "cpython/pm_rewalk.h"

struct pm_raw_frame {
    u64 code;       /* address of the code object */
    u64 position;   /* where it is in that code: opaque, for pm_code_resolve, and
                       equal exactly if the instruction is the same */
    bool entry;     /* the outermost frame of one C call of the evaluation function: an
                       evaluation frame of the native stack ends here */
    u32 empty_entries;  /* C calls of the evaluation function, between this frame and the next
                           inner one (or the innermost end), whose frames are not yet
                           complete and so are not reported; nearly always 0 */
};

/* Whether all fields are equal. */
static inline bool pm_raw_frame_equal(const struct pm_raw_frame *a, const struct pm_raw_frame *b)
{
    return a->code == b->code && a->position == b->position && a->entry == b->entry
        && a->empty_entries == b->empty_entries;
}

enum pm_walk_end {
    PM_WALK_COMPLETE,       /* reached the outermost frame */
    PM_WALK_LIMIT,          /* there are more than capacity frames */
    PM_WALK_UNREADABLE,     /* a frame cannot be read, or makes no sense */
};

/* Fills frames, innermost first, with the running frames of a thread; returns how many. anchor
   is the first argument of the thread's innermost call of the evaluation function. Frames that
   are not yet complete are skipped, as tracemalloc does.

   trace, if not NULL, gets every word that the result depends on, unless the walk ends in
   PM_WALK_UNREADABLE. Constant fields of the code objects in frames are left out, as they cannot
   change while the object lives. */
unsigned pm_walk_traced(const struct pm_interpreter *interpreter, struct pm_reader *reader,
                        u64 anchor, struct pm_raw_frame *frames, unsigned capacity,
                        enum pm_walk_end *end, struct pm_trace *trace);

static inline unsigned pm_walk_frames(const struct pm_interpreter *interpreter,
                                      struct pm_reader *reader, u64 anchor,
                                      struct pm_raw_frame *frames, unsigned capacity,
                                      enum pm_walk_end *end)
{
    return pm_walk_traced(interpreter, reader, anchor, frames, capacity, end, NULL);
}

/* As pm_walk_frames, but the outermost *same frames are those of the last such walk with rewalk, and frames
   gets only the ones inside of them. Both together are at most capacity, which must not change
   between calls. The caller must know that the code objects of the same frames have lived
   since then: their constant fields are not read again. */
unsigned pm_walk_again(const struct pm_interpreter *interpreter, struct pm_rewalk *rewalk,
                       u64 anchor, struct pm_raw_frame *frames, unsigned capacity,
                       enum pm_walk_end *end, unsigned *same);

/* A hash of the innermost two frames and their positions: nearly always another number when the walk would
   find other frames. Far cheaper than a walk. */
u64 pm_walk_peek(const struct pm_interpreter *interpreter, struct pm_reader *reader, u64 anchor);

#endif
