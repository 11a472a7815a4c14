/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a function of the interpreter means to us, by its symbol. pm_layers.h has those that are
   told by their place on a stack; these are told where code is translated. A stripped interpreter
   has symbols only of functions that it exports. */
#ifndef PM_FUNCTIONS_H
#define PM_FUNCTIONS_H

#include "base/pm_types.h"

enum pm_function {
    PM_FUNCTION_OTHER,
    PM_FUNCTION_INTERPRETER,    /* entered only in an object file that has an interpreter in it */
    PM_FUNCTION_INITIALIZATION, /* likewise; at its entry an interpreter begins to live, unless one does */
    PM_FUNCTION_FINALIZATION,   /* the interpreter begins to finalize at its entry */
    PM_FUNCTION_COLLECTOR,      /* PyGC_Collect: a full collection, which finalization makes too */
    PM_FUNCTION_THREAD_STATE,   /* PyThreadState_Clear: destroys what a thread's state holds */
    PM_FUNCTION_NEW_REFERENCE,  /* _Py_NewReference: its first argument is a new object */
    PM_FUNCTION_OLD_OBJECT,     /* stores a 1 into an object that is not new */
};

/* function: the whole symbol. Cost: a comparison with each name. */
enum pm_function pm_function_of(const char *function);

/* Whether stores of a 1 inside the function say nothing of births. (The entry of _Py_NewReference
   says it all.) */
static inline bool pm_function_stores_no_birth(enum pm_function kind)
{
    return kind == PM_FUNCTION_NEW_REFERENCE || kind == PM_FUNCTION_OLD_OBJECT;
}

#endif
