/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interned frames: what one line of a stack says. Names are resolved when a frame is first seen,
   since code objects die and shared objects are unloaded. Equal contents have equal ids. The
   source of a native frame is not compared: it follows from the object and the address in it,
   and may be found later. */
#ifndef PM_FRAMES_H
#define PM_FRAMES_H

#include "base/pm_map.h"
#include "base/pm_strings.h"
#include "base/pm_types.h"

struct pm_frame_id {
    u32 v;
};

enum pm_frame_kind {
    PM_FRAME_NATIVE,
    PM_FRAME_PYTHON,
    PM_FRAME_NOTE,      /* stands for missing frames; function says why */
};

enum pm_frame_flag {
    /* An allocator or a thin wrapper round one: not who wanted the memory. */
    PM_FRAME_ALLOCATOR = 1 << 0,
    /* A debug hook of CPython that pads the request. */
    PM_FRAME_DEBUG_HOOK = 1 << 1,
    /* CPython's evaluation loop: the Python frames follow it directly. */
    PM_FRAME_EVAL = 1 << 2,
};

struct pm_frame {
    u8 kind;                        /* enum pm_frame_kind */
    u8 flags;                       /* enum pm_frame_flag */
    u32 line;                       /* Python: line, 0 unknown; native: source line when known */
    u32 outer_line;                 /* native: if file is one of Python's headers that count references, the line that
                                       inlined it; 0: none, or not known */
    struct pm_string_id outer_file;
    struct pm_string_id function;   /* Python: qualified name where there is one */
    struct pm_string_id file;       /* Python: co_filename; native: source file when known, else "" */
    struct pm_string_id object;     /* native: path of the ELF object, else "" */
    u64 offset;                     /* native: return address minus start of function
                                       (frame 0: the address itself); if function is
                                       "", the plain address */
    u64 address;                    /* native: of the instruction, as the object's file was
                                       linked; 0: unknown. Distinguishes functions of one name. */
};

struct pm_frames {
    struct pm_frame *entries;
    u32 count, capacity;
    struct pm_map by_hash;
};

void pm_frames_init(struct pm_frames *frames);
void pm_frames_release(struct pm_frames *frames);
struct pm_frame_id pm_frames_intern(struct pm_frames *frames, const struct pm_frame *frame);
/* Sets the source line of a native frame. */
void pm_frames_set_source(struct pm_frames *frames, struct pm_frame_id id, struct pm_string_id file,
                          u32 line);
/* Sets the line of a native frame that inlined its source line. */
void pm_frames_set_outer(struct pm_frames *frames, struct pm_frame_id id, struct pm_string_id file, u32 line);
/* A copy of a native frame, with the line that says Py_INCREF in place of that of the header that has it. */
struct pm_frame pm_frame_outer(const struct pm_frame *frame);
/* Valid until the next intern. */
const struct pm_frame *pm_frames_get(const struct pm_frames *frames, struct pm_frame_id id);

#endif
