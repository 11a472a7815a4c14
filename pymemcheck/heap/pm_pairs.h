/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mixed stacks by their two parts.

   A mixed stack (pm_splice.h) is a function of its native frames and its Python frames. Each
   part is interned by itself: native frames as a sequence, Python frames as a branch of a tree
   that grows from the outermost frame inwards. One look-up of two numbers then finds the stack,
   however deep it is, if the two parts met before. Of two stacks that differ only in their
   innermost Python frames, only those frames are looked at. The pair that followed the last one
   the last time is tried first: programs repeat themselves, and this pair can be prefetched.

   If a Python part has more frames than a stack may have, only the innermost ones are mixed, and
   a note stands for the others. So two parts can have the same stack. Inner calls do not rename
   outer frames, not even where stacks are cut.

   Parts are numbered by the names of their frames. A number is good for the whole run. */
#ifndef PM_PAIRS_H
#define PM_PAIRS_H

#include "base/pm_sequences.h"
#include "base/pm_types.h"
#include "heap/pm_splice.h"
#include "heap/pm_stacks.h"

/* A native part: 1 or more. */
struct pm_native_part {
    u32 v;
};

/* A Python part; no frames: 0. */
struct pm_python_part {
    u32 v;
};

#define PM_PYTHON_PART_EMPTY ((struct pm_python_part){ 0 })

struct pm_pair {
    struct pm_native_part native;   /* 0 in number 0 only, which stands for none */
    struct pm_python_part python;
    struct pm_stack_id stack;
    u32 next;               /* the pair that was asked for after it the last time; 0: none yet */
    u32 site;               /* the owner's note of the stack's site; 0 at first */
};

struct pm_pairs {
    struct pm_stacks *stacks;
    u32 limit;              /* Python frames mixed, at most */
    struct pm_frame_id more;    /* the note for those outside of them */
    struct pm_sequences natives;
    struct pm_stacks pythons;
    struct pm_pair *all;    /* from number 1 on, in the order in which they were made */
    u32 count, capacity;    /* number 0 included */
    u32 *cells;             /* numbers of pairs, open addressing, at most half full; 0: empty */
    u32 mask;               /* cells - 1; a power of two less one */
    u32 last;               /* asked for last */
    /* Scratch. */
    struct pm_splice_native *native;
    struct pm_splice_python *python;
    struct pm_frame_id *mixed;
    u32 *words;
    size_t native_capacity, python_capacity, mixed_capacity, words_capacity;
};

/* Mixed stacks go to *stacks. Each has up to limit Python frames and, if there are more, the note. */
void pm_pairs_init(struct pm_pairs *pairs, struct pm_stacks *stacks, u32 limit,
                   struct pm_frame_id more);
void pm_pairs_release(struct pm_pairs *pairs);

/* The native part of count frames, innermost first. Frame ids must be below 2^31, here and below. */
struct pm_native_part pm_pairs_native(struct pm_pairs *pairs,
                                      const struct pm_splice_native *frames, size_t count);

/* The Python part that consists of outer and frame, which outer called. */
struct pm_python_part pm_pairs_python(struct pm_pairs *pairs, struct pm_python_part outer,
                                      const struct pm_splice_python *frame);

/* The pair that will probably be asked for next. Valid until then. */
static inline const struct pm_pair *pm_pairs_expected(const struct pm_pairs *pairs)
{
    return &pairs->all[pairs->all[pairs->last].next];
}

/* Prefetches for pm_pairs_stack; every second time the Python part is that of the last pair. */
void pm_pairs_prefetch(const struct pm_pairs *pairs);

/* The pair of both parts, with the stack that pm_splice makes of them, cut at the limit. Valid
   until the next call. */
struct pm_pair *pm_pairs_stack(struct pm_pairs *pairs, struct pm_native_part native,
                               struct pm_python_part python);

#endif
