/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the interpreter's functions mean, by their names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/pm_platform.h"
#include "cpython/pm_functions.h"

static void test_kinds(void **state)
{
    static const struct {
        const char *name;
        enum pm_function kind;
        bool no_birth;
    } cases[] = {
        { "_PyEval_EvalFrameDefault", PM_FUNCTION_INTERPRETER, false },
        { "Py_BytesMain", PM_FUNCTION_INITIALIZATION, false },
        { "Py_InitializeEx", PM_FUNCTION_INITIALIZATION, false },
        { "Py_FinalizeEx", PM_FUNCTION_FINALIZATION, false },
        { "Py_Finalize", PM_FUNCTION_FINALIZATION, false },
        { "Py_Exit", PM_FUNCTION_FINALIZATION, false },
        { "PyGC_Collect", PM_FUNCTION_COLLECTOR, false },
        { "PyThreadState_Clear", PM_FUNCTION_THREAD_STATE, false },
        { "_Py_NewReference", PM_FUNCTION_NEW_REFERENCE, true },
        { "new_reference", PM_FUNCTION_OLD_OBJECT, true },
        { "dict_dealloc", PM_FUNCTION_OLD_OBJECT, true },
        { "visit_reachable", PM_FUNCTION_OLD_OBJECT, true },
        { "list_dealloc", PM_FUNCTION_OTHER, false },
        { "", PM_FUNCTION_OTHER, false },
        /* Only whole names count. */
        { "Py_Final", PM_FUNCTION_OTHER, false },
        { "Py_FinalizeEx2", PM_FUNCTION_OTHER, false },
        { "_PyGC_CollectNoFail", PM_FUNCTION_OTHER, false },
        { "dict_dealloc.cold", PM_FUNCTION_OTHER, false },
    };

    (void)state;
    for (size_t i = 0; i < PM_ARRAY_LENGTH(cases); i++) {
        assert_int_equal(pm_function_of(cases[i].name), cases[i].kind);
        assert_int_equal(pm_function_stores_no_birth(cases[i].kind), cases[i].no_birth);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
