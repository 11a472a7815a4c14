/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mixes a native stack and the Python frames that ran in it into one stack: the Python frames that
   a call of the evaluation loop was running are inserted at that call's native frame. */
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

/* Writes the mixed stack, innermost first, to out (capacity native_count +
   python_count) and returns its length. native and python are innermost first.

   Each boundary is replaced by the Python frames up to and including the next entry. Before a
   frame with empty_entries, so many boundaries are replaced by nothing. Python frames are never
   lost: if the native stack was cut and has too few boundaries, or none, the remaining Python
   frames follow at its end. Boundaries for which no Python frames remain vanish. */
size_t pm_splice(const struct pm_splice_native *native, size_t native_count,
                 const struct pm_splice_python *python, size_t python_count,
                 struct pm_frame_id *out);

#endif
