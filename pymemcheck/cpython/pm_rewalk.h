/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the last walk over a chain of frames relied on, so that the next walk can end early.

   A walk takes one step for each frame that it looks at, innermost first. What it does from a
   step on depends only on its state there and on words of client memory. A later walk that
   reaches a step in the same state can stop there, if all words that the last walk relied on
   from that step to the outermost frame still hold: the rest of the result is the same.
   (Whether a walk notices that a damaged chain runs in a circle depends also on its earlier
   steps. Such a walk may reach its limit first.)

   The words are compared before a walk begins, from the outermost frame on. This tells for each
   step whether its rest holds. If all words hold, including those read before the first step,
   there is nothing to walk. Whether the code objects of the frames still live is not checked
   here: the caller knows when one dies. */
#ifndef PM_REWALK_H
#define PM_REWALK_H

#include "base/pm_reader.h"
#include "base/pm_trace.h"
#include "base/pm_types.h"
#include "base/pm_watched_words.h"

/* The state of a walk before it looks at the frame at address. */
struct pm_rewalk_state {
    u64 address;
    u64 cframe, group_end;      /* 0 where the layout has no chain of calls */
    u32 empty_entries;
    bool group_open, in_call;
};

struct pm_rewalk_step {
    struct pm_rewalk_state state;
    u32 frames;                 /* reported by this step and all steps outside of it */
    u32 words;                  /* the first so many words belong to it and to all steps outside
                                   of it; of a fresh step: words traced before it */
};

#define PM_REWALK_HASHES 256

struct pm_rewalk {
    struct pm_reader *reader;
    struct pm_rewalk_step *steps;       /* of the last walk, outermost first */
    struct pm_watched_words watched;    /* of these steps, outermost first, then the words that
                                           were read before the first step */
    u32 count;                          /* of steps */
    u64 anchor;                         /* where that walk began */
    unsigned limit;                     /* of its frames */
    u32 valid;                          /* steps whose rest holds */
    u32 total;                          /* frames of the last walk */
    bool cut;                           /* it stopped at its limit of frames */
    struct pm_rewalk_step *fresh;       /* of the walk in progress, innermost first */
    struct pm_trace trace;              /* its words */
    u32 fresh_count;
    u32 capacity;                       /* of steps, and of fresh */
    bool too_many;                      /* there was no room for a step */
    u16 by_address[PM_REWALK_HASHES];   /* hash of a step's address -> number of a step, which
                                           may be another one's */
};

/* For walks of up to frames frames. reader is borrowed. */
void pm_rewalk_init(struct pm_rewalk *rewalk, struct pm_reader *reader, unsigned frames);
void pm_rewalk_release(struct pm_rewalk *rewalk);

/* Begins a walk of up to limit frames at anchor. True if it would find what the last walk
   found: then it has also ended, with rewalk->total frames. Cost: one compare for each word that
   the last walk relied on. */
bool pm_rewalk_begin(struct pm_rewalk *rewalk, u64 anchor, unsigned limit);

/* The step of the last walk that was in the same state, whose rest holds, and from which this
   walk, which has frames_inside frames, would end in the same way within limit. NULL if there
   is none, or if finding out would take long. */
const struct pm_rewalk_step *pm_rewalk_find(const struct pm_rewalk *rewalk,
                                            const struct pm_rewalk_state *state,
                                            unsigned frames_inside, unsigned limit);

/* The walk takes a step. What is added to rewalk->trace from now on belongs to it. */
void pm_rewalk_take(struct pm_rewalk *rewalk, const struct pm_rewalk_state *state,
                    unsigned frames_inside);

/* The walk ended after frames frames: at rest (pm_rewalk_find), or if rest is NULL at the
   outermost frame or, if cut, at its limit. */
void pm_rewalk_end(struct pm_rewalk *rewalk, const struct pm_rewalk_step *rest, unsigned frames,
                   bool cut);

/* Adds to trace all words that the last walk relied on, innermost frame first: those change most
   often. False, with nothing added, if they are not known. Only until the next walk begins. */
bool pm_rewalk_trace(const struct pm_rewalk *rewalk, struct pm_trace *trace);

/* Forgets the last walk. */
void pm_rewalk_forget(struct pm_rewalk *rewalk);

#endif
