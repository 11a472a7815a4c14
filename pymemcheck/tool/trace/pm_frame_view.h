/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One frame of the interpreter, while its calls are followed (pm_python_calls.h): what it runs, who called it, and how far
   it is. The interpreter's layout must be known. A frame that cannot be read is none: addresses may be stale. */
#ifndef PM_FRAME_VIEW_H
#define PM_FRAME_VIEW_H

#include "base/pm_types.h"
#include "heap/pm_frames.h"
#include "tool/capture/pm_python.h"

struct pm_frame_view {
    u64 back, code, position;
    u8 owner;
};

/* False if there is no frame at that address. */
bool pm_frame_view_read(const struct pm_python *python, u64 frame, struct pm_frame_view *view);

/* The frame itself or, if it is a shim, the next outer frame that is none; 0: there is none. */
u64 pm_frame_view_real(const struct pm_python *python, u64 frame);

/* The frame that called it; 0: there is none. */
u64 pm_frame_view_caller(const struct pm_python *python, u64 frame);

/* Whether the frame is beyond its prologue (cpython/pm_walk.c has the same for frames of a walk). */
bool pm_frame_view_has_begun(const struct pm_python *python, const struct pm_frame_view *view);

/* Whether the frame was made for this call: it stands before its first instruction, or does not outlive the call. */
bool pm_frame_view_is_new(const struct pm_python *python, const struct pm_frame_view *view);

/* The frame with the line that runs, and with that of its def. */
struct pm_frame_id pm_frame_view_line(struct pm_python *python, const struct pm_frame_view *view);
struct pm_frame_id pm_frame_view_first_line(struct pm_python *python, const struct pm_frame_view *view);

#endif
