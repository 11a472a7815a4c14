/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The unused part of a frame object's evaluation stack (3.6 to 3.10; frame objects of later versions have
   no such stack, and 2.7 does not say whether a frame runs: pm_values_kind).

   The interpreter pops values and leaves their addresses behind. A frame that does not run
   (because it never ran, waits in a yield, or is done) says how high its stack is.
   Sources: frame_dealloc and frame_traverse, Objects/frameobject.c; f_stacktop and
   f_executing (3.6 to 3.9) and f_stackdepth (3.10) in Python/ceval.c. */
#ifndef PM_FRAME_VALUES_H
#define PM_FRAME_VALUES_H

#include "base/pm_reader.h"
#include "base/pm_types.h"
#include "cpython/pm_layout.h"

/* frame: address of the frame object. The unused words lie from *first up to *end, both multiples of 8.
   False: there are none, or they are not known. Cost: five reads. */
bool pm_frame_unused_values(const struct pm_layout *layout, struct pm_reader *reader, u64 frame,
                            u64 *first, u64 *end);

#endif
