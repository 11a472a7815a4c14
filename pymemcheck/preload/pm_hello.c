/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <valgrind/valgrind.h>

#include "preload/pm_hello.h"

#include "preload/pm_requests.h"

void pm_introduce(void)
{
    static bool introduced;

    if (introduced)
        return;
    introduced = true;
    struct pm_hello hello = {
        .version_text = Py_GetVersion != 0 ? (u64)Py_GetVersion() : 0,
        .code_type = (u64)PyCode_Type,
        .runtime = (u64)_PyRuntime,
        .debug_marker = (u64)_Py_NegativeRefcount,
        .trace_refs_marker = (u64)PyModule_Create2TraceRefs | (u64)Py_InitModule4TraceRefs_64,
    };
    VALGRIND_DO_CLIENT_REQUEST_STMT(PM_REQUEST_HELLO, &hello, 0, 0, 0, 0);
}
