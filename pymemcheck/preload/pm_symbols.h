/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The addresses of the interpreter's symbols, as the part of us inside the program sees them; 0: there is
   no such symbol. Weak references find them if the interpreter is in the program from the start. If
   dlopen loads it later, perhaps with RTLD_LOCAL, they are read from the dynamic symbols of the
   object that contains a wrapped function (System V ABI; DT_GNU_HASH as the GNU tools write it). */
#ifndef PM_SYMBOLS_H
#define PM_SYMBOLS_H

#include "base/pm_types.h"

#define PM_SYMBOLS(SYMBOL) \
    SYMBOL(Py_GetVersion) \
    SYMBOL(Py_IsInitialized) \
    SYMBOL(PyCode_Type) \
    SYMBOL(PyFrame_Type) \
    SYMBOL(PyGen_Type) \
    /* 3.5 and later; 3.6 and later. */ \
    SYMBOL(PyCoro_Type) \
    SYMBOL(PyAsyncGen_Type) \
    SYMBOL(_PyRuntime) \
    /* 3.8 and later. */ \
    SYMBOL(Py_BytesMain) \
    /* 3.6 and later. */ \
    SYMBOL(_PyEval_EvalFrameDefault) \
    /* Defined by Py_REF_DEBUG builds only (Objects/object.c), which Py_DEBUG builds are; up \
       to 3.7 those of Py_TRACE_REFS too. */ \
    SYMBOL(_Py_NegativeRefcount) \
    /* Names that extensions of Py_TRACE_REFS builds link to, up to 3.12 (Include/modsupport.h, \
       "surgery"); the second is 2.7's. From 3.13 on objects are as in other builds. */ \
    SYMBOL(PyModule_Create2TraceRefs) \
    SYMBOL(Py_InitModule4TraceRefs_64) \
    /* Defined by free-threaded builds only, which have no malloc allocator (Objects/object.c). */ \
    SYMBOL(_Py_MergeZeroLocalRefcount) \
    SYMBOL(PyMem_SetAllocator) \
    SYMBOL(PyMem_GetAllocator) \
    SYMBOL(PyMem_SetupDebugHooks) \
    SYMBOL(PyObject_Malloc) \
    SYMBOL(PyObject_Calloc) \
    SYMBOL(PyObject_Realloc) \
    SYMBOL(PyObject_Free)

struct pm_symbols {
#define PM_SYMBOLS_DECLARE(name) u64 name;
    PM_SYMBOLS(PM_SYMBOLS_DECLARE)
#undef PM_SYMBOLS_DECLARE
};

/* Py_GetVersion is not 0 once an interpreter was found. */
extern struct pm_symbols pm_symbols __attribute__((visibility("hidden")));

/* Looks for an interpreter. function: the address of one of its functions, or 0 if none is known
   yet. Cheap once an interpreter was found. */
void pm_find_symbols_slowly(u64 function);

static inline void pm_find_symbols(u64 function)
{
    if (__builtin_expect(pm_symbols.Py_GetVersion == 0, 0))
        pm_find_symbols_slowly(function);
}

#endif
