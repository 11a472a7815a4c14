/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Native stacks, walked over by the rules of the core's unwinder (dwarf/pm_unwind_rules.h), or by the core where no rule
   is known; and what the caller said of them.

   docs/decisions/unwind-rules.md says when a hash of a stack's addresses stands for them. */
#ifndef PM_UNWIND_H
#define PM_UNWIND_H

#include "base/pm_map.h"
#include "base/pm_reader.h"
#include "base/pm_trace.h"
#include "base/pm_types.h"
#include "dwarf/pm_unwind_rules.h"

/* A native stack, innermost first; valid until the next call of pm_unwind_stack. */
struct pm_unwound {
    const unsigned long *ips;       /* as VG_(get_StackTrace) gives them: callers' less one */
    const unsigned long *sps;       /* the stack pointers that belong to them */
    unsigned count;
    u64 hash;
};

struct pm_unwind {
    struct pm_unwind_rules rules;
    unsigned limit;                 /* frames */
    struct pm_unwind_rules_walk walk;      /* the last stack */
    u64 stack_low, stack_high;      /* of the stack that was asked for last; equal: none */
    u64 generation;                 /* of what can be read, then */
    u64 *keys;                      /* of the hash: a factor for each frame */
    struct pm_map meanings;         /* what the caller said of stacks, by hash */
};

/* limit: frames kept of a stack, innermost. */
void pm_unwind_init(struct pm_unwind *unwind, struct pm_reader *reader, unsigned limit);

/* The native stack of thread tid, which must be running. */
struct pm_unwound pm_unwind_stack(struct pm_unwind *unwind, u32 tid);

/* What pm_unwind_note said of the addresses of a stack, which is still valid; 0: nothing yet. The less soon
   after pm_unwind_stack it is asked for, the sooner it is known. */
u64 pm_unwind_meaning(const struct pm_unwind *unwind, const struct pm_unwound *stack);

/* Notes what the addresses of a stack, which is still valid, mean to the caller; not 0. */
void pm_unwind_note(struct pm_unwind *unwind, const struct pm_unwound *stack, u64 meaning);

/* Adds the return addresses of a stack, which is still valid, to trace. */
void pm_unwound_trace(const struct pm_unwound *stack, struct pm_trace *trace);

/* Code was loaded or unloaded: nothing learned or noted holds. */
void pm_unwind_forget(struct pm_unwind *unwind);

#endif
