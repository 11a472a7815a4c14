/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mixed stacks by their two halves.

   A mixed stack (pm_splice.h) is a function of the native frames and the Python
   frames that it was joined from. Each half is interned by itself: native frames
   as a sequence, Python frames as a branch of a tree, which grows from the outermost frame
   inwards. So one look-up of two numbers finds the stack of halves that met before,
   however deep it is, and of two stacks that differ in their innermost Python
   frames alone only these are looked at. Tried first is the join that came next after the
   last one when that was there before: programs repeat themselves, and it can be
   fetched into the processor's cache ahead.

   Of a Python half that has more frames than a stack may have only the innermost ones are joined, and a note in place
   of the others. So two halves may have the same stack; and a call more or less leaves what
   the frames outside of it are called as it is, also where stacks are cut.

   Numbers of halves are by what frames are called, and are good for the whole run. */
#ifndef PM_JOINS_H
#define PM_JOINS_H

#include "base/pm_sequences.h"
#include "base/pm_types.h"
#include "heap/pm_splice.h"
#include "heap/pm_stacks.h"

/* A native half: 1 or more. */
struct pm_native_half {
    u32 v;
};

/* A Python half; no frames: 0. */
struct pm_python_half {
    u32 v;
};

#define PM_PYTHON_HALF_EMPTY ((struct pm_python_half){ 0 })

struct pm_join {
    struct pm_native_half native;   /* 0 in number 0 only, which stands for none */
    struct pm_python_half python;
    struct pm_stack_id stack;
    u32 next;               /* the join that was asked for next, the last time; 0: none yet */
    u32 site;               /* the owner's, 0 in the beginning: the stack's site */
};

struct pm_joins {
    struct pm_stacks *stacks;
    u32 limit;              /* Python frames joined, at most */
    struct pm_frame_id more;    /* the note for those outside of them */
    struct pm_sequences natives;
    struct pm_stacks pythons;
    struct pm_join *all;    /* from 1, as they came */
    u32 count, capacity;    /* with number 0 */
    u32 *slots;             /* numbers of joins, open addressing, at most half full; 0: empty */
    u32 mask;               /* slots - 1; a power of two less one */
    u32 last;               /* asked for last */
    /* Scratch. */
    struct pm_splice_native *native;
    struct pm_splice_python *python;
    struct pm_frame_id *joined;
    u32 *words;
    size_t native_capacity, python_capacity, joined_capacity, words_capacity;
};

/* Joined stacks go to *stacks, each with up to limit Python frames and, if there are more, the note. */
void pm_joins_init(struct pm_joins *joins, struct pm_stacks *stacks, u32 limit,
                   struct pm_frame_id more);
void pm_joins_release(struct pm_joins *joins);

/* The native half of so many frames, innermost first. Frame ids below 2^31, here and below. */
struct pm_native_half pm_joins_native(struct pm_joins *joins,
                                      const struct pm_splice_native *frames, size_t count);

/* The Python half in which outer called frame. */
struct pm_python_half pm_joins_python(struct pm_joins *joins, struct pm_python_half outer,
                                      const struct pm_splice_python *frame);

/* What may be asked for next. Valid until then. */
static inline const struct pm_join *pm_joins_expected(const struct pm_joins *joins)
{
    return &joins->all[joins->all[joins->last].next];
}

/* A join will soon be asked for, as often as not with the Python half of the last one. */
void pm_joins_expect(const struct pm_joins *joins);

/* The join of both, with the stack that pm_splice makes of them, cut at the limit. Valid until the next call. */
struct pm_join *pm_joins_stack(struct pm_joins *joins, struct pm_native_half native,
                               struct pm_python_half python);

#endif
