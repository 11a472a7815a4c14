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
    PM_LAYER_DEBUG_HOOK,    /* the innermost level of CPython's debug hook, which pads:
                               _PyMem_DebugRawAlloc; at most one on each path through a hook */
    PM_LAYER_DEBUG_ENTRY,   /* an outer level of a debug hook: allocator, but pads only if no
                               PM_LAYER_DEBUG_HOOK or _ENTRY was called from it directly
                               (the compiler merged the levels, or it is a realloc) */
    PM_LAYER_EVAL,          /* _PyEval_EvalFrameDefault, PyEval_EvalFrameEx */
};

/* The layer of a function by its symbol, compiler suffixes (.lto_priv.0,
   .constprop.1, .part.0, .cold, .isra.0) aside. */
enum pm_layer pm_layer_of(const char *function);

/* The list itself, in its order: NULL from index's end on. A name that ends in
   '(' stands for all functions that begin so. */
const char *pm_layers_entry(size_t index, enum pm_layer *layer);

#endif
