/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interfaces by which C code gets memory from CPython or from the C library. A block must go
   back through the interface that it came from ("Memory Management" in CPython's C API reference,
   3.6 to 3.14), except in 2.7: see mixes_domains in pm_layout.h. */
#ifndef PM_DOMAINS_H
#define PM_DOMAINS_H

#include "base/pm_types.h"

enum pm_domain {
    PM_DOMAIN_UNKNOWN,
    PM_DOMAIN_LIBC,         /* malloc, free */
    PM_DOMAIN_RAW,          /* PyMem_RawMalloc, PyMem_RawFree */
    PM_DOMAIN_MEM,          /* PyMem_Malloc, PyMem_Free */
    PM_DOMAIN_OBJECT,       /* PyObject_Malloc, PyObject_Free */
    PM_DOMAINS,
};

/* The domain of the blocks that the function returns. */
enum pm_domain pm_domain_of_allocator(const char *function);
/* The domain of the blocks that the function frees; reallocation counts as freeing. */
enum pm_domain pm_domain_of_free(const char *function);

/* The domain of the blocks that tracemalloc's hook of this name returns (Modules/_tracemalloc.c, Python/tracemalloc.c): one
   serves the mem and the object domain, which is told as mem, the other the raw domain. PM_DOMAIN_UNKNOWN if it is none. */
enum pm_domain pm_domain_of_tracemalloc(const char *function);

/* Whether the function makes objects by the allocator of the object domain, whichever type they have (Objects/object.c,
   Modules/gcmodule.c, Objects/typeobject.c of 3.6 to 3.14). */
bool pm_domain_makes_objects(const char *function);

/* Whether the function is part of CPython's allocators. Such a function may call another interface than
   the one that its caller chose. */
bool pm_domain_is_inside(const char *function);

/* "PyMem_Malloc, PyMem_Calloc or PyMem_Realloc", and "PyMem_Free or PyMem_Realloc". */
const char *pm_domain_allocators(enum pm_domain domain);
const char *pm_domain_frees(enum pm_domain domain);

#endif
