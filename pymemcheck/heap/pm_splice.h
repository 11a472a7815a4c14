/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Joins a native stack and the Python frames that ran in it to one stack: at
   each frame of the evaluation loop, the Python frames which that call of it
   was running are put in place. */
#ifndef PM_SPLICE_H
#define PM_SPLICE_H

#include "base/pm_types.h"
#include "heap/pm_frames.h"

struct pm_splice_native {
    struct pm_frame_id frame;
    bool boundary;      /* our wrapper round the evaluation function: left out of the result */
};

struct pm_splice_python {
    struct pm_frame_id frame;
    u32 empty_entries;  /* calls of the evaluation loop, inside this frame, that run no frame yet */
    bool entry;         /* the outermost frame of one call of the evaluation loop */
};

/* Writes the joined stack, innermost first, to out (capacity native_count +
   python_count) and returns its length. native and python are innermost first.

   Each boundary takes the Python frames up to and including the next entry;
   before a frame with empty_entries, so many boundaries take none.
   If the native stack was cut short, the Python frames that are left follow
   at its end; Python frames are never lost. If no boundary is seen at all
   (python frames but the evaluation loop is beyond the cut) they too follow
   at the end. Boundaries without Python frames left just vanish. */
size_t pm_splice(const struct pm_splice_native *native, size_t native_count,
                 const struct pm_splice_python *python, size_t python_count,
                 struct pm_frame_id *out);

#endif
