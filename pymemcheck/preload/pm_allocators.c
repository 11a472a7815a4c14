/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In a stripped interpreter the functions behind the domains have no symbols. But every call goes through
   the interpreter's table of allocators, which PyMem_GetAllocator returns (Include/cpython/pymem.h, 3.4
   to 3.15). Parts of these functions were translated already, without the tool's helper calls. */
#include <valgrind/valgrind.h>

#include "base/pm_types.h"
#include "preload/pm_allocators.h"
#include "preload/pm_requests.h"
#include "preload/pm_symbols.h"

void pm_tell_allocators(void)
{
    static bool told;
    struct pm_allocators allocators = { 0 };

    if (told || pm_symbols.PyMem_GetAllocator == 0)
        return;
    told = true;
    if (VALGRIND_DO_CLIENT_REQUEST_EXPR(0, PM_REQUEST_WANTS_ALLOCATORS, 0, 0, 0, 0, 0) != 1)
        return;
    void (*get)(unsigned domain, void *allocator) = (void (*)(unsigned, void *))pm_symbols.PyMem_GetAllocator;
    for (unsigned domain = 0; domain < PM_ALLOCATOR_DOMAINS; domain++)
        get(domain, &allocators.domains[domain]);
    VALGRIND_DO_CLIENT_REQUEST_STMT(PM_REQUEST_ALLOCATORS, &allocators, 0, 0, 0, 0);
    for (unsigned i = 0; i < PM_ALLOCATOR_FUNCTIONS; i++)
        if (allocators.changed[i] != 0)
            VALGRIND_DISCARD_TRANSLATIONS(allocators.changed[i], 1);
}
