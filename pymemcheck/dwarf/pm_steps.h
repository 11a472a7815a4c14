/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a frame of a native stack to its caller's, by rules that were learned.

   Where a caller's frame is depends on the instruction, mostly: at a fixed distance from the stack
   pointer, or from the frame pointer. An unwinder that reads call frame information knows which; it is
   asked three times for each instruction: twice about stacks made up for the purpose, where each
   word tells where it was read, and once about the true stack. What follows no such rule there
   (signal frames, guesses) is left to it each time.

   docs/decisions/learned-steps.md says why. */
#ifndef PM_STEPS_H
#define PM_STEPS_H

#include "base/pm_reader.h"
#include "base/pm_types.h"

/* Of a frame: its instruction (of a caller: its return address less one), stack pointer, frame pointer. */
struct pm_step_frame {
    u64 instruction, stack_pointer, frame_pointer;
};

/* An unwinder. from is a frame on a stack whose last byte is at high; *to becomes its caller's. False if it
   knows no way on. */
typedef bool pm_step_ask(void *context, const struct pm_step_frame *from, u64 high,
                         struct pm_step_frame *to);

struct pm_steps {
    struct pm_reader *reader;
    pm_step_ask *ask;
    void *context;
    u64 *slots;                     /* rules, by instruction (pm_steps.c); 0: empty */
    void *memory;                   /* that the next two are in */
    u64 *made_up[2];                /* stacks */
};

/* How a walk ended. */
enum pm_steps_end {
    PM_STEPS_LIMIT,                 /* as many frames as wanted */
    PM_STEPS_OUTERMOST,             /* no return address */
    PM_STEPS_ASK,                   /* no rule for the last frame */
    PM_STEPS_DAMAGED,               /* what the last frame's rule leads to is not on the stack */
};

/* The frames of a stack, innermost first. */
struct pm_steps_walk {
    unsigned long *instructions, *stack_pointers;
    unsigned count;
    u64 frame_pointer;              /* the last frame's, with PM_STEPS_ASK */
};

/* ask with context must be valid as long as steps, and so must reader, by which the true stack is read. */
void pm_steps_init(struct pm_steps *steps, struct pm_reader *reader, pm_step_ask *ask, void *context);
void pm_steps_release(struct pm_steps *steps);

/* Forgets all rules: code was loaded or unloaded. */
void pm_steps_forget(struct pm_steps *steps);

/* Walks from frame, on a stack whose last byte is at high, to limit frames at most, which is not 0; walk has room
   for them, and the frames of a walk before, or none. */
enum pm_steps_end pm_steps_walk(struct pm_steps *steps, const struct pm_step_frame *frame, u64 high,
                                unsigned limit, struct pm_steps_walk *walk);

#endif
