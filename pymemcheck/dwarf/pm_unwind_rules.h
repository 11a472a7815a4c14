/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a frame of a native stack to its caller's frame, by learned rules.

   For most instructions the caller's frame is at a fixed distance from the stack pointer or from
   the frame pointer. An unwinder that reads call frame information knows the distance. It is
   asked three times for each instruction: about two made-up stacks, whose words tell where they
   were read, and about the real stack. Instructions that follow no such rule (signal frames,
   guesses) are left to the unwinder each time.

   docs/decisions/unwind-rules.md says why. */
#ifndef PM_UNWIND_RULES_H
#define PM_UNWIND_RULES_H

#include "base/pm_reader.h"
#include "base/pm_types.h"

/* A frame: its instruction (of a caller: its return address less one) and pointers. */
struct pm_unwind_frame {
    u64 instruction, stack_pointer, frame_pointer;
};

/* An unwinder of one frame. from is a frame on a stack whose last byte is at high; *to becomes its
   caller's. False if it cannot unwind further. */
typedef bool pm_unwind_ask(void *context, const struct pm_unwind_frame *from, u64 high,
                         struct pm_unwind_frame *to);

struct pm_unwind_rules {
    struct pm_reader *reader;
    pm_unwind_ask *ask;
    void *context;
    u64 *cells;                     /* rules, by instruction (pm_unwind_rules.c); 0: empty */
    void *memory;                   /* contains the made-up stacks */
    u64 *made_up[2];                /* stacks */
};

/* How a walk ended. */
enum pm_unwind_rules_end {
    PM_UNWIND_RULES_LIMIT,                 /* as many frames as wanted */
    PM_UNWIND_RULES_OUTERMOST,             /* no return address */
    PM_UNWIND_RULES_ASK,                   /* no rule for the last frame */
    PM_UNWIND_RULES_DAMAGED,               /* the last frame's rule leads out of the stack */
};

/* The frames of a stack, innermost first. */
struct pm_unwind_rules_walk {
    unsigned long *instructions, *stack_pointers;
    unsigned count;
    u64 frame_pointer;              /* the last frame's, with PM_UNWIND_RULES_ASK */
};

/* ask, context and reader, which reads the real stack, must be valid as long as rules. */
void pm_unwind_rules_init(struct pm_unwind_rules *rules, struct pm_reader *reader, pm_unwind_ask *ask, void *context);
void pm_unwind_rules_release(struct pm_unwind_rules *rules);

/* Forgets all rules: code was loaded or unloaded. */
void pm_unwind_rules_forget(struct pm_unwind_rules *rules);

/* Walks from frame, on a stack whose last byte is at high, over at most limit frames (not 0). walk has
   room for them, and contains the frames of an earlier walk, or none. */
enum pm_unwind_rules_end pm_unwind_rules_walk(struct pm_unwind_rules *rules, const struct pm_unwind_frame *frame, u64 high,
                                unsigned limit, struct pm_unwind_rules_walk *walk);

#endif
