/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpython/pm_functions.h"

#include "base/pm_platform.h"

static const struct {
    const char *name;
    enum pm_function kind;
} list[] = {
    { "Py_BytesMain", PM_FUNCTION_INITIALIZATION },
    { "Py_Main", PM_FUNCTION_INITIALIZATION },
    { "Py_Initialize", PM_FUNCTION_INITIALIZATION },
    { "Py_InitializeEx", PM_FUNCTION_INITIALIZATION },
    { "Py_InitializeFromConfig", PM_FUNCTION_INITIALIZATION },

    { "_PyEval_EvalFrameDefault", PM_FUNCTION_INTERPRETER },
    { "PyEval_EvalFrameEx", PM_FUNCTION_INTERPRETER },

    { "Py_FinalizeEx", PM_FUNCTION_FINALIZATION },
    { "Py_Finalize", PM_FUNCTION_FINALIZATION },
    /* In 3.13 both call _Py_Finalize, and so does Py_Exit (Python/pylifecycle.c). */
    { "_Py_Finalize", PM_FUNCTION_FINALIZATION },
    { "Py_Exit", PM_FUNCTION_FINALIZATION },

    { "PyGC_Collect", PM_FUNCTION_COLLECTOR },
    { "PyThreadState_Clear", PM_FUNCTION_THREAD_STATE },

    { "_Py_NewReference", PM_FUNCTION_NEW_REFERENCE },

    /* Called by _Py_NewReference from 3.12 on; stores the 1 a second time (Objects/object.c). */
    { "new_reference", PM_FUNCTION_OLD_OBJECT },
    /* Revive a dying object while its finalizer runs (Objects/object.c, Modules/_io/iobase.c;
       2.7: Objects/typeobject.c, classobject.c). */
    { "PyObject_CallFinalizerFromDealloc", PM_FUNCTION_OLD_OBJECT },
    { "_PyIOBase_finalize", PM_FUNCTION_OLD_OBJECT },
    { "slot_tp_del", PM_FUNCTION_OLD_OBJECT },
    { "instance_dealloc", PM_FUNCTION_OLD_OBJECT },
    /* Revive a dying object while its watchers are told (3.12, 3.13: Objects/dictobject.c,
       funcobject.c, codeobject.c; later Objects/object.c). */
    { "dict_dealloc", PM_FUNCTION_OLD_OBJECT },
    { "func_dealloc", PM_FUNCTION_OLD_OBJECT },
    { "code_dealloc", PM_FUNCTION_OLD_OBJECT },
    { "_PyObject_ResurrectStart", PM_FUNCTION_OLD_OBJECT },
    /* The collector up to 3.7, which counts references in a word before the object
       (Modules/gcmodule.c). */
    { "visit_reachable", PM_FUNCTION_OLD_OBJECT },
};

enum pm_function pm_function_of(const char *function)
{
    for (size_t i = 0; i < PM_ARRAY_LENGTH(list); i++)
        if (pm_text_equal(function, list[i].name))
            return list[i].kind;
    return PM_FUNCTION_OTHER;
}
