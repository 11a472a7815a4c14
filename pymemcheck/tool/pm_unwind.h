/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Native stacks, unwound by the core and remembered.

   Unwinding costs some ten nanoseconds a frame, and a program asks for memory
   from the same few places at the same depth again and again. A remembered
   stack is used again if stack pointer and instruction are the same and the
   stack still holds each of its return addresses where it held them.

   docs/decisions/remembered-stacks.md says when that could be wrong. */
#ifndef PM_UNWIND_H
#define PM_UNWIND_H

#include "base/pm_reader.h"
#include "base/pm_sequences.h"
#include "base/pm_trace.h"
#include "base/pm_types.h"

enum { PM_UNWIND_SETS = 2048, PM_UNWIND_WAYS = 4 };

/* A native stack. */
struct pm_unwound {
    size_t place;                   /* of its entry */
    const unsigned long *ips;       /* as VG_(get_StackTrace) gives them; valid until the next call */
    const unsigned long *sps;       /* the stack pointers that belong to them */
    unsigned count;
};

struct pm_unwind_entry {
    u32 number;                     /* 0: not asked for yet */
    u32 count;                      /* 0: empty */
    u32 hash;                       /* of the addresses; only while number is 0 */
    u64 stack_pointer, instruction;
};

struct pm_unwind {
    struct pm_reader *reader;
    unsigned limit;                 /* frames */
    struct pm_unwind_entry *entries;
    unsigned long *ips;             /* limit for each entry */
    unsigned long *sps;             /* the same: stack pointers, to find return addresses */
    unsigned long *fps;             /* and frame pointers, to unwind on from there */
    size_t last;                    /* the entry that was used last */
    u8 *next_way;                   /* of each set: which entry is replaced next */
    struct pm_sequences numbers;    /* by addresses, two words each */
};

/* limit: frames kept of a stack, innermost. */
void pm_unwind_init(struct pm_unwind *unwind, struct pm_reader *reader, unsigned limit);

/* The native stack of thread tid, which must be running. */
struct pm_unwound pm_unwind_stack(struct pm_unwind *unwind, u32 tid);

/* The stack's number: equal for equal addresses, until all is forgotten; from 1. The less soon
   after pm_unwind_stack it is asked for, the sooner it is known. */
u32 pm_unwind_number(struct pm_unwind *unwind, const struct pm_unwound *stack);

/* Adds the return addresses of a stack, which is still valid, to trace. */
void pm_unwound_trace(const struct pm_unwound *stack, struct pm_trace *trace);

/* Code was loaded or unloaded: nothing remembered holds. */
void pm_unwind_forget(struct pm_unwind *unwind);

#endif
