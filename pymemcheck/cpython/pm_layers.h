/* SPDX-License-Identifier: GPL-2.0-or-later */
/* C functions by what they are to us: allocator layers that only pass a
   request on, debug hooks that pad it, the evaluation function. The list is
   documented in docs/allocator-layers.md; a test keeps both equal. */
#ifndef PM_LAYERS_H
#define PM_LAYERS_H

#include "base/pm_types.h"

enum pm_layer {
    PM_LAYER_NONE,          /* a function that wants memory for itself */
    PM_LAYER_ALLOCATOR,     /* malloc and friends, PyMem_*, PyObject_*alloc, PyObject_GC_New, strdup ... */
    PM_LAYER_DEBUG_HOOK,    /* CPython's debug hook that pads: _PyMem_DebugRawAlloc, _PyMem_DebugRawRealloc;
                               exactly one function on each path through a debug hook, also when
                               the compiler inlined one of the two levels of it */
    PM_LAYER_DEBUG_ENTRY,   /* an outer level of a debug hook: allocator, but pads only if no
                               PM_LAYER_DEBUG_HOOK was called from it */
    PM_LAYER_EVAL,          /* _PyEval_EvalFrameDefault, PyEval_EvalFrameEx */
};

/* The layer of a function by its symbol, compiler suffixes (.lto_priv.0,
   .constprop.1, .part.0, .cold, .isra.0) aside. */
enum pm_layer pm_layer_of(const char *function);

#endif
