/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the last walk over a chain of frames saw, so that the next one may end early.

   A walk goes in steps, one for each frame that it looks at, innermost first. What it is
   about to do at a step depends on its own state there and on words of client memory. When a later
   walk comes to a step in the same state, and all words that the last walk relied on from there
   to the outermost frame hold what they held, the rest is as it was. (Where a walk notices that a
   damaged chain runs in a circle depends on its steps before: it may come to its limit first.)

   The words are looked at where they are, from the outermost frame on, before the walk begins: so
   all steps are known whose rest holds. When all hold, also those that were read before the first step, there is
   nothing to walk. That frames' code objects still live is not
   looked at: it is the caller's, who knows when one dies. */
#ifndef PM_REWALK_H
#define PM_REWALK_H

#include "base/pm_reader.h"
#include "base/pm_trace.h"
#include "base/pm_types.h"

/* The state of a walk before it looks at the frame at address. */
struct pm_rewalk_state {
    u64 address;
    u64 cframe, group_end;      /* 0 where the layout has no chain of calls */
    u32 empty_entries;
    bool group_open, in_call;
};

struct pm_rewalk_step {
    struct pm_rewalk_state state;
    u32 frames;                 /* reported at this step and all outside of it */
    u32 words;                  /* relied on there; of a fresh step: before it */
};

struct pm_rewalk_word {
    const u8 *place;            /* in our own address space */
    u64 value, mask;
};

#define PM_REWALK_PLACES 256

struct pm_rewalk {
    struct pm_reader *reader;
    u64 generation;                     /* the reader's, when places were asked for */
    struct pm_rewalk_step *steps;       /* of the last walk, outermost first */
    struct pm_rewalk_word *words;       /* likewise */
    u64 *addresses;                     /* of these words */
    u32 count, word_count;
    u32 before;                         /* words behind these that were read before the first step */
    u64 anchor;                         /* where that walk began */
    unsigned limit;                     /* of its frames */
    u32 valid;                          /* steps whose rest holds */
    u32 total;                          /* frames of the last walk */
    bool cut;                           /* it stopped at its limit of frames */
    struct pm_rewalk_step *fresh;       /* of the walk that goes on, innermost first */
    struct pm_trace trace;              /* its words */
    u32 fresh_count;
    u32 capacity;                       /* of steps, and of fresh */
    bool too_many;                      /* there was no room for a step */
    u16 by_address[PM_REWALK_PLACES];   /* hash of a step's address -> its number, perhaps */
};

/* For walks of up to frames frames. reader is borrowed. */
void pm_rewalk_init(struct pm_rewalk *rewalk, struct pm_reader *reader, unsigned frames);
void pm_rewalk_release(struct pm_rewalk *rewalk);

/* A walk of up to limit frames begins at anchor. True if it would do as the last one did; then it has ended, too,
   with rewalk->total frames. Cost: a compare for each word that the last one relied on. */
bool pm_rewalk_begin(struct pm_rewalk *rewalk, u64 anchor, unsigned limit);

/* The step of the last walk that was in the same state, and whose rest holds and would end
   in the same way after frames_inside frames of at most limit; NULL if there is none, or if it is not known
   quickly. */
const struct pm_rewalk_step *pm_rewalk_find(const struct pm_rewalk *rewalk,
                                            const struct pm_rewalk_state *state,
                                            unsigned frames_inside, unsigned limit);

/* The walk takes a step; what is added to rewalk->trace from now on belongs to it. */
void pm_rewalk_take(struct pm_rewalk *rewalk, const struct pm_rewalk_state *state,
                    unsigned frames_inside);

/* The walk came to its end after frames frames: where it met rest (pm_rewalk_find), or if rest is
   NULL at the outermost frame or, cut, at its limit. */
void pm_rewalk_end(struct pm_rewalk *rewalk, const struct pm_rewalk_step *rest, unsigned frames,
                   bool cut);

/* Adds to trace all words that the last walk relied on, those that had changed least long ago first. False,
   with nothing added, if they are not known. Until the next walk begins. */
bool pm_rewalk_trace(const struct pm_rewalk *rewalk, struct pm_trace *trace);

/* Forgets the last walk. */
void pm_rewalk_forget(struct pm_rewalk *rewalk);

#endif
