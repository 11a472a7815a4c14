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
/* Defined by Py_REF_DEBUG builds only (Objects/object.c). */
extern char _Py_NegativeRefcount[] PM_WEAK;
/* Defined by Py_TRACE_REFS builds only (Objects/object.c). */
extern char _Py_AddToAllObjects[] PM_WEAK;
/* Defined by free-threaded builds only, which have no malloc allocator (Objects/object.c). */
extern char _Py_MergeZeroLocalRefcount[] PM_WEAK;

/* Makes the interpreter known to the tool, the first time. The tool needs its
   version before the first frame: debug hooks pad allocations from the start. */
void pm_introduce(void);

#endif
