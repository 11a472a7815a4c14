/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Native stacks, unwound by the core and remembered.

   Unwinding costs some ten nanoseconds a frame, and a program asks for memory
   from the same few places at the same depth again and again. A remembered
   stack is used again if stack pointer and instruction are the same and the
   stack still holds each of its return addresses where it held them.

   What is remembered of a stack is where its return addresses are and a hash of them, in
   one line of the processor's cache: what each allocation looks at soon drives out of the cache what
   the program would find there.

   docs/decisions/remembered-stacks.md says when that could be wrong. */
#ifndef PM_UNWIND_H
#define PM_UNWIND_H

#include "base/pm_reader.h"
#include "base/pm_trace.h"
#include "base/pm_types.h"

enum { PM_UNWIND_SETS = 2048, PM_UNWIND_WAYS = 4 };

struct pm_unwind_entry {
    u64 stack_pointer, instruction;
    u64 hash;                       /* of all addresses */
    u64 meaning;                    /* 0: none yet */
    u64 frame_pointer;              /* of the outermost frame, if it is known */
    u16 count : 15;                 /* of frames; 0: empty */
    u16 knows_frame_pointer : 1;
    u16 distances[];                /* of each return address from the stack pointer, in words */
};

/* The frames of a stack, innermost first. */
struct pm_unwind_frames {
    unsigned long *ips;             /* as VG_(get_StackTrace) gives them: callers' less one */
    unsigned long *sps;             /* the stack pointers that belong to them */
    unsigned long *fps;             /* the frame pointers, those from first_fp on */
    unsigned count, first_fp;
};

/* What the caller said of a stack. */
struct pm_unwind_meaning {
    u64 hash;                       /* of its addresses */
    u64 meaning;                    /* 0: empty */
};

/* A native stack; valid until the next call of pm_unwind_stack. */
struct pm_unwound {
    struct pm_unwind_entry *entry;  /* NULL: it cannot be remembered */
    const unsigned long *ips, *sps;
    unsigned count;
    u64 hash;
};

struct pm_unwind {
    struct pm_reader *reader;
    unsigned limit;                 /* frames */
    size_t entry_bytes;
    char *entries;
    void *memory;                   /* that they are in */
    u16 *tags;                      /* by entry: part of the hash of its stack pointer and instruction */
    u8 *next_way;                   /* of each set: which entry is replaced next */
    struct pm_unwind_frames now, last;
    u64 *keys;                      /* of the hash: a factor for each frame */
    struct pm_unwind_meaning *meanings;     /* open addressing by hash, at most half full */
    u32 meaning_count;
    u32 meaning_mask;               /* slots - 1; a power of two less one */
};

/* limit: frames kept of a stack, innermost. */
void pm_unwind_init(struct pm_unwind *unwind, struct pm_reader *reader, unsigned limit);

/* What pm_unwind_stack will look for if it is called soon with these registers. */
void pm_unwind_expect(const struct pm_unwind *unwind, u64 stack_pointer, u64 instruction);

/* The native stack of thread tid, which must be running. */
struct pm_unwound pm_unwind_stack(struct pm_unwind *unwind, u32 tid);

/* What pm_unwind_note said of the addresses of a stack, which is still valid; 0: nothing yet. The less soon
   after pm_unwind_stack it is asked for, the sooner it is known. */
u64 pm_unwind_meaning(struct pm_unwind *unwind, const struct pm_unwound *stack);

/* Notes what the addresses of a stack, which is still valid, mean to the caller; not 0. */
void pm_unwind_note(struct pm_unwind *unwind, const struct pm_unwound *stack, u64 meaning);

/* Adds the return addresses of a stack, which is still valid, to trace. */
void pm_unwound_trace(const struct pm_unwound *stack, struct pm_trace *trace);

/* Code was loaded or unloaded: nothing remembered or noted holds. */
void pm_unwind_forget(struct pm_unwind *unwind);

#endif
