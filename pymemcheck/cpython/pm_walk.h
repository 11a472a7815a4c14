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
    u32 empty_entries;  /* C calls of the evaluation function between this frame and the
                           next inner one (or the innermost end) that have no frame here,
                           because theirs is not yet complete; nearly always 0 */
};

/* Whether two walks found the same: every field is equal. */
static inline bool pm_raw_frame_equal(const struct pm_raw_frame *a, const struct pm_raw_frame *b)
{
    return a->code == b->code && a->position == b->position && a->entry == b->entry
        && a->empty_entries == b->empty_entries;
}

enum pm_walk_end {
    PM_WALK_COMPLETE,       /* reached the outermost frame */
    PM_WALK_LIMIT,          /* capacity frames were read and there are more */
    PM_WALK_UNREADABLE,     /* a frame could not be read, or makes no sense */
};

/* Fills frames, innermost first, with the frames that are running in the
   thread of anchor; returns how many. anchor is the first argument that the
   thread's evaluation function was last entered with. As tracemalloc does,
   frames that are not yet complete are passed over.

   trace gets every word that the result depends on if it does not end in
   PM_WALK_UNREADABLE; NULL if none is wanted. Not in it is what is constant in a
   living code object, if the object is one of those in frames. */
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

/* As pm_walk_frames, but frames gets only those inside of the same outermost ones that are as they
   were in the last such walk with rewalk. Frames and *same together are at most
   capacity, which is the same each time. What is constant in a living code object is taken for
   granted: of the same frames the caller asks whether their code objects were alive all the time. */
unsigned pm_walk_again(const struct pm_interpreter *interpreter, struct pm_rewalk *rewalk,
                       u64 anchor, struct pm_raw_frame *frames, unsigned capacity,
                       enum pm_walk_end *end, unsigned *same);

/* A number that differs, nearly always, when the walk would give other frames:
   of the innermost two frames and their positions. Far cheaper than a walk. */
u64 pm_walk_peek(const struct pm_interpreter *interpreter, struct pm_reader *reader, u64 anchor);

#endif
