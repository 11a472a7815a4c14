/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Native stacks: walked over by rules learned from the core's unwinder (dwarf/pm_unwind_rules.h),
   and by the core itself where no rule is known. Also keeps what each stack means to the caller,
   by a hash of its addresses (docs/decisions/unwind-rules.md). */
#ifndef PM_UNWIND_H
#define PM_UNWIND_H

#include "base/pm_map.h"
#include "base/pm_reader.h"
#include "base/pm_trace.h"
#include "base/pm_types.h"
#include "dwarf/pm_unwind_rules.h"

/* A native stack, innermost first; valid until the next call of pm_unwind_stack. */
struct pm_unwound {
    const unsigned long *ips;       /* as VG_(get_StackTrace) gives them: return addresses less 1 */
    const unsigned long *sps;       /* the stack pointer of each frame */
    unsigned count;
    u64 hash;
};

/* A stack as long as its arrays have room for. */
struct pm_unwind_room {
    unsigned limit;                 /* frames */
    struct pm_unwind_rules_walk walk;   /* the last stack */
};

struct pm_unwind {
    struct pm_unwind_rules rules;
    struct pm_unwind_room inner;    /* of pm_unwind_stack */
    struct pm_unwind_room further;  /* of pm_unwind_further */
    u64 stack_low, stack_high;      /* limits of the last stack; equal: none */
    u64 generation;                 /* the reader's, when these limits were found */
    /* The last stack of pm_unwind_further that reached its end. The outermost frame is the last one
       of these arrays, so that another stack with the same outer frames needs no copy of them. */
    unsigned long *reaching_ips, *reaching_sps;
    unsigned reaching_count;
    unsigned long *kept;            /* addresses that are kept of it */
    u64 *keys;                      /* of the hash: a factor for each frame */
    struct pm_map meanings;         /* what stacks mean to the caller, by hash */
};

/* limit: frames kept of a stack, innermost. further: so many if pm_unwind_further is asked. */
void pm_unwind_init(struct pm_unwind *unwind, struct pm_reader *reader, unsigned limit,
                    unsigned further);

/* The native stack of thread tid, which must be running. */
struct pm_unwound pm_unwind_stack(struct pm_unwind *unwind, u32 tid);

/* Whether the stack was cut at the limit and may go on further. */
static inline bool pm_unwind_was_cut(const struct pm_unwind *unwind, const struct pm_unwound *stack)
{
    return stack->count == unwind->inner.limit && unwind->inner.limit < unwind->further.limit;
}

enum { PM_UNWIND_KEPT_PASSING = 8 };

/* What a frame beyond the limit is to the caller. */
enum pm_unwind_frame_kind {
    PM_UNWIND_FRAME,
    PM_UNWIND_FRAME_PASSING,        /* of several in a row the PM_UNWIND_KEPT_PASSING outermost are kept, and
                                       the innermost if it called another kind of frame */
    PM_UNWIND_FRAME_END,            /* the last one wanted */
};

/* The same stack beyond the limit, up to the first frame that kind_of calls the end. False if there
   is none within the larger limit: then *kept is not set. *whole is all that the answer depends on,
   for pm_unwound_trace; *kept has no stack pointers. Frames that recursion puts between the ones that
   a reader wants are left out of *kept: otherwise each depth would be another stack. */
bool pm_unwind_further(struct pm_unwind *unwind, u32 tid,
                       enum pm_unwind_frame_kind (*kind_of)(void *context, u64 ip), void *context,
                       struct pm_unwound *whole, struct pm_unwound *kept);

/* What pm_unwind_note kept for the addresses of a stack, which must still be valid; 0: nothing yet.
   Cheaper after pm_unwind_prefetch, with other work between. */
u64 pm_unwind_meaning(const struct pm_unwind *unwind, const struct pm_unwound *stack);
void pm_unwind_prefetch(const struct pm_unwind *unwind, const struct pm_unwound *stack);

/* Keeps what the addresses of a stack mean to the caller; not 0. The stack must still be valid. */
void pm_unwind_note(struct pm_unwind *unwind, const struct pm_unwound *stack, u64 meaning);

/* Adds the return addresses of a stack, which must still be valid, to trace. */
void pm_unwound_trace(const struct pm_unwound *stack, struct pm_trace *trace);

/* Forgets all rules and meanings: code was loaded or unloaded. */
void pm_unwind_forget(struct pm_unwind *unwind);

#endif
