/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is no reference in static objects: text, bytes, digits, instructions, flags of types.

   An interpreter has thousands of static objects in its data: types, deep-frozen modules
   (Tools/scripts/deepfreeze.py, 3.11 and 3.12), small ints (Objects/longobject.c), one-character strings
   (Objects/unicodeobject.c). Some of their words look like addresses in the heap, which begins low under
   Valgrind: tp_flags of bytes is 0x8501500 in 3.13. */
#ifndef PM_OBJECT_STATIC_H
#define PM_OBJECT_STATIC_H

#include "cpython/pm_object.h"

struct pm_object_static_visitor {
    /* The client memory from start to end holds no references. */
    void (*hide)(void *context, u64 start, u64 end);
    void *context;
};

/* Looks for such objects in the client memory from low to high, both multiples of 8. types_low,
   types_high: where static types are. Calls visitor in ascending order; the ranges do not overlap. Cost: a
   read and two compares for each word, and a look-up for each that may point to a type. */
void pm_objects_each_static(struct pm_objects *objects, u64 low, u64 high, u64 types_low, u64 types_high,
                            const struct pm_object_static_visitor *visitor);

#endif
