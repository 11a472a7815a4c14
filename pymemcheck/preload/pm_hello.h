/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interpreter as the part of us inside the program sees it: its symbols, as
   weak references, and their introduction to the tool. A symbol that is not
   there has the address 0. */
#ifndef PM_HELLO_H
#define PM_HELLO_H

#include "base/pm_types.h"

#define PM_WEAK __attribute__((weak))

extern const char *Py_GetVersion(void) PM_WEAK;

/* Of these only the addresses are used. */
extern char PyCode_Type[] PM_WEAK, _PyRuntime[] PM_WEAK;
/* 3.6 and later. */
extern char _PyEval_EvalFrameDefault[] PM_WEAK;
/* Defined by Py_REF_DEBUG builds only (Objects/object.c), which Py_DEBUG builds are; up to
   3.7 those of Py_TRACE_REFS too. */
extern char _Py_NegativeRefcount[] PM_WEAK;
/* Names that extensions of Py_TRACE_REFS builds link to, up to 3.12 (Include/modsupport.h,
   "surgery"); the second is 2.7's. From 3.13 on objects are as in other builds. */
extern char PyModule_Create2TraceRefs[] PM_WEAK, Py_InitModule4TraceRefs_64[] PM_WEAK;
/* Defined by free-threaded builds only, which have no malloc allocator (Objects/object.c). */
extern char _Py_MergeZeroLocalRefcount[] PM_WEAK;

/* Makes the interpreter known to the tool, the first time. The tool needs its
   version before the first frame: debug hooks pad allocations from the start. */
void pm_introduce(void);

#endif
