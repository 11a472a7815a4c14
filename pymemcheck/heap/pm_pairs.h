/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mixed stacks by their two parts.

   A mixed stack (pm_splice.h) is a function of the native frames and the Python
   frames that it was mixed from. Each part is interned by itself: native frames
   as a sequence, Python frames as a branch of a tree, which grows from the outermost frame
   inwards. So one look-up of two numbers finds the stack of parts that met before,
   however deep it is, and of two stacks that differ in their innermost Python
   frames alone only these are looked at. Tried first is the pair that came next after the
   last one when that was there before: programs repeat themselves, and it can be
   fetched into the processor's cache ahead.

   Of a Python part that has more frames than a stack may have only the innermost ones are mixed, and a note in place
   of the others. So two parts may have the same stack; and a call more or less leaves what
   the frames outside of it are called as it is, also where stacks are cut.

   Numbers of parts are by what frames are called, and are good for the whole run. */
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
    u32 next;               /* the pair that was asked for next, the last time; 0: none yet */
    u32 site;               /* the owner's, 0 in the beginning: the stack's site */
};

struct pm_pairs {
    struct pm_stacks *stacks;
    u32 limit;              /* Python frames mixed, at most */
    struct pm_frame_id more;    /* the note for those outside of them */
    struct pm_sequences natives;
    struct pm_stacks pythons;
    struct pm_pair *all;    /* from 1, as they came */
    u32 count, capacity;    /* with number 0 */
    u32 *slots;             /* numbers of pairs, open addressing, at most part full; 0: empty */
    u32 mask;               /* slots - 1; a power of two less one */
    u32 last;               /* asked for last */
    /* Scratch. */
    struct pm_splice_native *native;
    struct pm_splice_python *python;
    struct pm_frame_id *mixed;
    u32 *words;
    size_t native_capacity, python_capacity, mixed_capacity, words_capacity;
};

/* Joined stacks go to *stacks, each with up to limit Python frames and, if there are more, the note. */
void pm_pairs_init(struct pm_pairs *pairs, struct pm_stacks *stacks, u32 limit,
                   struct pm_frame_id more);
void pm_pairs_release(struct pm_pairs *pairs);

/* The native part of so many frames, innermost first. Frame ids below 2^31, here and below. */
struct pm_native_part pm_pairs_native(struct pm_pairs *pairs,
                                      const struct pm_splice_native *frames, size_t count);

/* The Python part in which outer called frame. */
struct pm_python_part pm_pairs_python(struct pm_pairs *pairs, struct pm_python_part outer,
                                      const struct pm_splice_python *frame);

/* What may be asked for next. Valid until then. */
static inline const struct pm_pair *pm_pairs_expected(const struct pm_pairs *pairs)
{
    return &pairs->all[pairs->all[pairs->last].next];
}

/* A pair will soon be asked for, as often as not with the Python part of the last one. */
void pm_pairs_prefetch(const struct pm_pairs *pairs);

/* The pair of both, with the stack that pm_splice makes of them, cut at the limit. Valid until the next call. */
struct pm_pair *pm_pairs_stack(struct pm_pairs *pairs, struct pm_native_part native,
                               struct pm_python_part python);

#endif
