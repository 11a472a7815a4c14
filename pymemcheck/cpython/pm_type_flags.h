/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bits of PyTypeObject.tp_flags that mean the same in every version (Include/object.h, 2.7 and
   3.6 to 3.15). Bits that only some versions have are numbers of the layout: type_*_bit. */
#ifndef PM_TYPE_FLAGS_H
#define PM_TYPE_FLAGS_H

#include "base/pm_types.h"
#include "cpython/pm_layout.h"

enum {
    PM_TYPE_HEAP_BIT = 9,       /* Py_TPFLAGS_HEAPTYPE: made at run time */
    PM_TYPE_READY_BIT = 12,     /* Py_TPFLAGS_READY */
    PM_TYPE_GC_BIT = 14,        /* Py_TPFLAGS_HAVE_GC */
    /* Py_TPFLAGS_*_SUBCLASS: the type, or a subclass of it. */
    PM_TYPE_INT_BIT = 23,       /* int of 2.7; later versions use the bit for something else */
    PM_TYPE_LONG_BIT = 24,      /* int; long of 2.7 */
    PM_TYPE_LIST_BIT = 25,
    PM_TYPE_TUPLE_BIT = 26,
    PM_TYPE_BYTES_BIT = 27,     /* bytes; str of 2.7 */
    PM_TYPE_TEXT_BIT = 28,      /* str; unicode of 2.7 */
    PM_TYPE_DICT_BIT = 29,
    PM_TYPE_TYPE_BIT = 31,
};

/* Whether flags (tp_flags) have the bit; false if the layout says PM_LAYOUT_ABSENT for it. */
static inline bool pm_type_flag(u64 flags, i32 bit)
{
    return bit != PM_LAYOUT_ABSENT && ((flags >> bit) & 1) != 0;
}

#endif
