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

struct pm_unwind {
    struct pm_unwind_rules rules;
    unsigned limit;                 /* frames */
    struct pm_unwind_rules_walk walk;      /* the last stack */
    u64 stack_low, stack_high;      /* limits of the last stack; equal: none */
    u64 generation;                 /* the reader's, when these limits were found */
    u64 *keys;                      /* of the hash: a factor for each frame */
    struct pm_map meanings;         /* what stacks mean to the caller, by hash */
};

/* limit: frames kept of a stack, innermost. */
void pm_unwind_init(struct pm_unwind *unwind, struct pm_reader *reader, unsigned limit);

/* The native stack of thread tid, which must be running. */
struct pm_unwound pm_unwind_stack(struct pm_unwind *unwind, u32 tid);

/* What pm_unwind_note kept for the addresses of a stack, which must still be valid; 0: nothing yet.
   Prefetched by pm_unwind_stack: do other work before asking. */
u64 pm_unwind_meaning(const struct pm_unwind *unwind, const struct pm_unwound *stack);

/* Keeps what the addresses of a stack mean to the caller; not 0. The stack must still be valid. */
void pm_unwind_note(struct pm_unwind *unwind, const struct pm_unwound *stack, u64 meaning);

/* Adds the return addresses of a stack, which must still be valid, to trace. */
void pm_unwound_trace(const struct pm_unwound *stack, struct pm_trace *trace);

/* Forgets all rules and meanings: code was loaded or unloaded. */
void pm_unwind_forget(struct pm_unwind *unwind);

#endif
