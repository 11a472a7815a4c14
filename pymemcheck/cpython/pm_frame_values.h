/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of a frame object's evaluation stack that is not in use (3.6 to 3.10; later versions
   have no such stack in the object, and 2.7 does not say whether a frame runs).

   The interpreter takes values off the stack and leaves their addresses behind. Where a frame has
   no call that runs it, it says how high its stack is: it never ran, waits in a yield, or is done.
   Sources: frame_dealloc and frame_traverse, Objects/frameobject.c; f_stacktop and
   f_executing (3.6 to 3.9) and f_stackdepth (3.10) in Python/ceval.c. */
#ifndef PM_FRAME_VALUES_H
#define PM_FRAME_VALUES_H

#include "base/pm_reader.h"
#include "base/pm_types.h"
#include "cpython/pm_layout.h"

/* frame: address of the frame object. Its unused words are at *first up to *end, which are multiples
   of 8. False: none, or not known. Cost: five reads. */
bool pm_frame_unused_values(const struct pm_layout *layout, struct pm_reader *reader, u64 frame,
                            u64 *first, u64 *end);

#endif
