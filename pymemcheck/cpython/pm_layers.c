/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpython/pm_layers.h"

#include "base/pm_platform.h"

struct layered {
    const char *function;   /* a name that ends in '(' stands for all that begin with it */
    size_t length;          /* of function */
    enum pm_layer layer;
};

#define ALLOCATOR(name) { name, sizeof(name) - 1, PM_LAYER_ALLOCATOR }
#define HOOK(name) { name, sizeof(name) - 1, PM_LAYER_DEBUG_HOOK }
#define ENTRY(name) { name, sizeof(name) - 1, PM_LAYER_DEBUG_ENTRY }
#define EVAL(name) { name, sizeof(name) - 1, PM_LAYER_EVAL }

/* In the order of docs/allocator-layers.md, which gives the reasons. */
static const struct layered list[] = {
    ALLOCATOR("malloc"),
    ALLOCATOR("calloc"),
    ALLOCATOR("realloc"),
    ALLOCATOR("reallocarray"),
    ALLOCATOR("memalign"),
    ALLOCATOR("aligned_alloc"),
    ALLOCATOR("posix_memalign"),
    ALLOCATOR("valloc"),
    ALLOCATOR("pvalloc"),
    ALLOCATOR("__libc_malloc"),
    ALLOCATOR("__libc_calloc"),
    ALLOCATOR("__libc_realloc"),
    ALLOCATOR("__libc_reallocarray"),
    ALLOCATOR("__libc_memalign"),
    ALLOCATOR("__libc_valloc"),
    ALLOCATOR("__libc_pvalloc"),
    ALLOCATOR("__posix_memalign"),

    ALLOCATOR("operator new("),
    ALLOCATOR("operator new[]("),
    ALLOCATOR("_Znwm"),
    ALLOCATOR("_Znam"),
    ALLOCATOR("_ZnwmRKSt9nothrow_t"),
    ALLOCATOR("_ZnamRKSt9nothrow_t"),
    ALLOCATOR("_ZnwmSt11align_val_t"),
    ALLOCATOR("_ZnamSt11align_val_t"),
    ALLOCATOR("_ZnwmSt11align_val_tRKSt9nothrow_t"),
    ALLOCATOR("_ZnamSt11align_val_tRKSt9nothrow_t"),

    ALLOCATOR("strdup"),
    ALLOCATOR("__strdup"),
    ALLOCATOR("strndup"),
    ALLOCATOR("__strndup"),
    ALLOCATOR("wcsdup"),
    ALLOCATOR("__wcsdup"),
    ALLOCATOR("asprintf"),
    ALLOCATOR("__asprintf"),
    ALLOCATOR("__asprintf_chk"),
    ALLOCATOR("vasprintf"),
    ALLOCATOR("__vasprintf_chk"),
    ALLOCATOR("__vasprintf_internal"),
    ALLOCATOR("getline"),
    ALLOCATOR("__getline"),
    ALLOCATOR("getdelim"),
    ALLOCATOR("__getdelim"),
    ALLOCATOR("_IO_getdelim"),
    ALLOCATOR("realpath"),
    ALLOCATOR("realpath_stk"),
    ALLOCATOR("__realpath_chk"),
    ALLOCATOR("canonicalize_file_name"),
    ALLOCATOR("getcwd"),
    ALLOCATOR("__getcwd_chk"),
    ALLOCATOR("get_current_dir_name"),

    ALLOCATOR("PyMem_RawMalloc"),
    ALLOCATOR("PyMem_RawCalloc"),
    ALLOCATOR("PyMem_RawRealloc"),
    ALLOCATOR("PyMem_Malloc"),
    ALLOCATOR("PyMem_Calloc"),
    ALLOCATOR("PyMem_Realloc"),
    ALLOCATOR("PyObject_Malloc"),
    ALLOCATOR("PyObject_Calloc"),
    ALLOCATOR("PyObject_Realloc"),
    ALLOCATOR("_PyMem_RawStrdup"),
    ALLOCATOR("_PyMem_RawWcsdup"),
    ALLOCATOR("_PyMem_Strdup"),
    ALLOCATOR("_PyMem_DefaultRawWcsdup"),

    ALLOCATOR("_PyMem_RawMalloc"),
    ALLOCATOR("_PyMem_RawCalloc"),
    ALLOCATOR("_PyMem_RawRealloc"),
    ALLOCATOR("_PyMem_DefaultRawMalloc"),
    ALLOCATOR("_PyMem_DefaultRawCalloc"),
    ALLOCATOR("_PyMem_DefaultRawRealloc"),
    ALLOCATOR("_PyMem_Malloc"),
    ALLOCATOR("_PyMem_Realloc"),
    ALLOCATOR("_PyObject_Alloc"),
    ALLOCATOR("_PyObject_Malloc"),
    ALLOCATOR("_PyObject_Calloc"),
    ALLOCATOR("_PyObject_Realloc"),
    ALLOCATOR("pymalloc_alloc"),
    ALLOCATOR("pymalloc_realloc"),
    ALLOCATOR("allocate_from_new_pool"),
    ALLOCATOR("new_arena"),
    ALLOCATOR("arena_map_get"),
    ALLOCATOR("arena_map_mark_used"),
    ALLOCATOR("_PyObject_ArenaMmap"),
    ALLOCATOR("_PyObject_ArenaMalloc"),
    ALLOCATOR("_PyMem_ArenaAlloc"),
    ALLOCATOR("_PyObject_VirtualAlloc"),

    ALLOCATOR("_PyObject_New"),
    ALLOCATOR("_PyObject_NewVar"),
    ALLOCATOR("_PyObject_GC_New"),
    ALLOCATOR("_PyObject_GC_NewVar"),
    ALLOCATOR("_PyObject_GC_Resize"),
    ALLOCATOR("_PyObject_GC_Alloc"),
    ALLOCATOR("_PyObject_GC_Malloc"),
    ALLOCATOR("_PyObject_GC_Calloc"),
    ALLOCATOR("PyUnstable_Object_GC_NewWithExtraData"),
    ALLOCATOR("gc_alloc"),
    ALLOCATOR("PyType_GenericAlloc"),
    ALLOCATOR("_PyType_AllocNoTrack"),
    ALLOCATOR("PyType_GenericNew"),

    ALLOCATOR("tracemalloc_alloc"),
    ALLOCATOR("tracemalloc_malloc"),
    ALLOCATOR("tracemalloc_calloc"),
    ALLOCATOR("tracemalloc_realloc"),
    ALLOCATOR("tracemalloc_alloc_gil"),
    ALLOCATOR("tracemalloc_malloc_gil"),
    ALLOCATOR("tracemalloc_calloc_gil"),
    ALLOCATOR("tracemalloc_realloc_gil"),
    ALLOCATOR("tracemalloc_raw_alloc"),
    ALLOCATOR("tracemalloc_raw_malloc"),
    ALLOCATOR("tracemalloc_raw_calloc"),
    ALLOCATOR("tracemalloc_raw_realloc"),

    HOOK("_PyMem_DebugRawAlloc"),
    HOOK("_PyObject_DebugMallocApi"),

    ENTRY("_PyMem_DebugRawMalloc"),
    ENTRY("_PyMem_DebugRawCalloc"),
    ENTRY("_PyMem_DebugRawRealloc"),
    ENTRY("_PyMem_DebugMalloc"),
    ENTRY("_PyMem_DebugCalloc"),
    ENTRY("_PyMem_DebugRealloc"),
    ENTRY("_PyObject_DebugMalloc"),
    ENTRY("_PyObject_DebugRealloc"),
    ENTRY("_PyObject_DebugReallocApi"),

    EVAL("_PyEval_EvalFrameDefault"),
    EVAL("PyEval_EvalFrameEx"),
};

/* Length of a symbol without the suffix of the compiler (.part.0) or linker (@@GLIBC_2.2.5).
   Demangled C++ names have neither. */
static size_t stem_length(const char *function)
{
    size_t length = 0;

    while (function[length] != '\0' && function[length] != '@'
           && (function[length] != '.' || length == 0))
        length++;
    return length;
}

static bool matches(const struct layered *layered, const char *function, size_t stem)
{
    const size_t length = layered->length;

    if (layered->function[0] != function[0])
        return false;
    return (layered->function[length - 1] == '(' ? stem >= length : stem == length)
        && pm_compare(layered->function, function, length) == 0;
}

enum pm_layer pm_layer_of(const char *function)
{
    size_t stem = stem_length(function);

    for (size_t i = 0; i < PM_ARRAY_LENGTH(list); i++)
        if (matches(&list[i], function, stem))
            return list[i].layer;
    return PM_LAYER_NONE;
}

const char *pm_layers_entry(size_t index, enum pm_layer *layer)
{
    if (index >= PM_ARRAY_LENGTH(list))
        return NULL;
    *layer = list[index].layer;
    return list[index].function;
}
