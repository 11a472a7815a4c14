/* SPDX-License-Identifier: GPL-2.0-or-later */
/* C functions on a stack, by their role: allocator layers that only pass a request on, debug hooks
   that pad it, the evaluation function. docs/allocator-layers.md gives the reasons; a test
   keeps both lists equal. */
#ifndef PM_LAYERS_H
#define PM_LAYERS_H

#include "base/pm_types.h"

enum pm_layer {
    PM_LAYER_NONE,          /* a function that allocates for a purpose of its own */
    PM_LAYER_ALLOCATOR,     /* malloc and friends, PyMem_*, PyObject_*alloc, PyObject_GC_New, strdup ... */
    PM_LAYER_DEBUG_HOOK,    /* the innermost level of a debug hook, which pads:
                               _PyMem_DebugRawAlloc. At most one on each path through a hook */
    PM_LAYER_DEBUG_ENTRY,   /* an outer level of a debug hook. It pads only if it calls no
                               PM_LAYER_DEBUG_HOOK or _ENTRY directly: the compiler merged
                               the levels, or it is a realloc */
    PM_LAYER_EVAL,          /* _PyEval_EvalFrameDefault, PyEval_EvalFrameEx */
};

/* The layer of a function by its symbol. Suffixes of the compiler (.lto_priv.0, .constprop.1,
   .part.0, .cold, .isra.0) are ignored. */
enum pm_layer pm_layer_of(const char *function);

/* Whether a word is what debug hooks overwrite memory with, that is new or about to be freed or moved: CLEANBYTE or DEADBYTE of
   Objects/obmalloc.c (0xCB and 0xDB up to 3.7, then 0xCD and 0xDD). */
static inline bool pm_layers_is_fill(u64 word)
{
    const u8 byte = (u8)word;

    return (byte == 0xcb || byte == 0xdb || byte == 0xcd || byte == 0xdd) && word == byte * 0x0101010101010101ull;
}

/* Entry index of the list, NULL behind its end. A name that ends in '(' stands for all functions
   that begin with it. */
const char *pm_layers_entry(size_t index, enum pm_layer *layer);

#endif
