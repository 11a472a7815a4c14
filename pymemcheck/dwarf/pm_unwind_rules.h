/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a frame of a native stack to its caller's, by rules that were learned.

   Where a caller's frame is depends on the instruction, mostly: at a fixed distance from the stack
   pointer, or from the frame pointer. An unwinder that reads call frame information knows which; it is
   asked three times for each instruction: twice about stacks made up for the purpose, where each
   word tells where it was read, and once about the true stack. What follows no such rule there
   (signal frames, guesses) is left to it each time.

   docs/decisions/unwind-rules.md says why. */
#ifndef PM_UNWIND_RULES_H
#define PM_UNWIND_RULES_H

#include "base/pm_reader.h"
#include "base/pm_types.h"

/* Of a frame: its instruction (of a caller: its return address less one), stack pointer, frame pointer. */
struct pm_unwind_frame {
    u64 instruction, stack_pointer, frame_pointer;
};

/* An unwinder. from is a frame on a stack whose last byte is at high; *to becomes its caller's. False if it
   knows no way on. */
typedef bool pm_unwind_ask(void *context, const struct pm_unwind_frame *from, u64 high,
                         struct pm_unwind_frame *to);

struct pm_unwind_rules {
    struct pm_reader *reader;
    pm_unwind_ask *ask;
    void *context;
    u64 *slots;                     /* rules, by instruction (pm_unwind_rules.c); 0: empty */
    void *memory;                   /* that the next two are in */
    u64 *made_up[2];                /* stacks */
};

/* How a walk ended. */
enum pm_unwind_rules_end {
    PM_UNWIND_RULES_LIMIT,                 /* as many frames as wanted */
    PM_UNWIND_RULES_OUTERMOST,             /* no return address */
    PM_UNWIND_RULES_ASK,                   /* no rule for the last frame */
    PM_UNWIND_RULES_DAMAGED,               /* what the last frame's rule leads to is not on the stack */
};

/* The frames of a stack, innermost first. */
struct pm_unwind_rules_walk {
    unsigned long *instructions, *stack_pointers;
    unsigned count;
    u64 frame_pointer;              /* the last frame's, with PM_UNWIND_RULES_ASK */
};

/* ask with context must be valid as long as rules, and so must reader, by which the true stack is read. */
void pm_unwind_rules_init(struct pm_unwind_rules *rules, struct pm_reader *reader, pm_unwind_ask *ask, void *context);
void pm_unwind_rules_release(struct pm_unwind_rules *rules);

/* Forgets all rules: code was loaded or unloaded. */
void pm_unwind_rules_forget(struct pm_unwind_rules *rules);

/* Walks from frame, on a stack whose last byte is at high, to limit frames at most, which is not 0; walk has room
   for them, and the frames of a walk before, or none. */
enum pm_unwind_rules_end pm_unwind_rules_walk(struct pm_unwind_rules *rules, const struct pm_unwind_frame *frame, u64 high,
                                unsigned limit, struct pm_unwind_rules_walk *walk);

#endif
