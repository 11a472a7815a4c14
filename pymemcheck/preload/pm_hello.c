/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <valgrind/valgrind.h>

#include "preload/pm_hello.h"

#include "preload/pm_requests.h"
#include "preload/pm_symbols.h"

void pm_introduce(bool runs)
{
    static bool introduced;

    if (introduced || (pm_symbols.Py_GetVersion == 0 && !runs))
        return;
    introduced = true;
    struct pm_hello hello = {
        .version_text = pm_symbols.Py_GetVersion != 0
            ? (u64)((const char *(*)(void))pm_symbols.Py_GetVersion)() : 0,
        .code_type = pm_symbols.PyCode_Type,
        .frame_type = pm_symbols.PyFrame_Type,
        .generator_types = {
            pm_symbols.PyGen_Type, pm_symbols.PyCoro_Type, pm_symbols.PyAsyncGen_Type,
        },
        .runtime = pm_symbols._PyRuntime,
        .debug_marker = pm_symbols._Py_NegativeRefcount,
        .trace_refs_marker = pm_symbols.PyModule_Create2TraceRefs
            | pm_symbols.Py_InitModule4TraceRefs_64,
    };
    VALGRIND_DO_CLIENT_REQUEST_STMT(PM_REQUEST_HELLO, &hello, 0, 0, 0, 0);
}
