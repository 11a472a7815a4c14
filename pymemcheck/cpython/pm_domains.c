/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpython/pm_domains.h"

#include "base/pm_platform.h"

struct named {
    const char *function;
    enum pm_domain domain;
};

/* Functions whose caller must free the block, also by the C library's internal names. */
static const struct named allocators[] = {
    { "malloc", PM_DOMAIN_LIBC }, { "calloc", PM_DOMAIN_LIBC }, { "realloc", PM_DOMAIN_LIBC },
    { "__libc_malloc", PM_DOMAIN_LIBC }, { "__libc_calloc", PM_DOMAIN_LIBC },
    { "__libc_realloc", PM_DOMAIN_LIBC }, { "reallocarray", PM_DOMAIN_LIBC },
    { "strdup", PM_DOMAIN_LIBC }, { "__strdup", PM_DOMAIN_LIBC }, { "strndup", PM_DOMAIN_LIBC },
    { "__strndup", PM_DOMAIN_LIBC },
    { "PyMem_RawMalloc", PM_DOMAIN_RAW }, { "PyMem_RawCalloc", PM_DOMAIN_RAW },
    { "PyMem_RawRealloc", PM_DOMAIN_RAW },
    { "PyMem_Malloc", PM_DOMAIN_MEM }, { "PyMem_Calloc", PM_DOMAIN_MEM },
    { "PyMem_Realloc", PM_DOMAIN_MEM },
    { "PyObject_Malloc", PM_DOMAIN_OBJECT }, { "PyObject_Calloc", PM_DOMAIN_OBJECT },
    { "PyObject_Realloc", PM_DOMAIN_OBJECT },
};

static const struct named frees[] = {
    { "free", PM_DOMAIN_LIBC }, { "cfree", PM_DOMAIN_LIBC }, { "__libc_free", PM_DOMAIN_LIBC },
    { "realloc", PM_DOMAIN_LIBC }, { "__libc_realloc", PM_DOMAIN_LIBC },
    { "reallocarray", PM_DOMAIN_LIBC },
    { "PyMem_RawFree", PM_DOMAIN_RAW }, { "PyMem_RawRealloc", PM_DOMAIN_RAW },
    { "PyMem_Free", PM_DOMAIN_MEM }, { "PyMem_Realloc", PM_DOMAIN_MEM },
    { "PyObject_Free", PM_DOMAIN_OBJECT }, { "PyObject_Del", PM_DOMAIN_OBJECT },
    { "PyObject_Realloc", PM_DOMAIN_OBJECT },
};

static enum pm_domain domain_in(const struct named *list, size_t count, const char *function)
{
    for (size_t i = 0; i < count; i++)
        if (pm_text_equal(list[i].function, function))
            return list[i].domain;
    return PM_DOMAIN_UNKNOWN;
}

enum pm_domain pm_domain_of_allocator(const char *function)
{
    return domain_in(allocators, PM_ARRAY_LENGTH(allocators), function);
}

enum pm_domain pm_domain_of_free(const char *function)
{
    return domain_in(frees, PM_ARRAY_LENGTH(frees), function);
}

bool pm_domain_makes_objects(const char *function)
{
    static const char *const names[] = {
        "PyType_GenericAlloc", "_PyType_AllocNoTrack", "PyType_GenericNew", "_PyObject_New", "_PyObject_NewVar",
        "_PyObject_GC_New", "_PyObject_GC_NewVar", "_PyObject_GC_Malloc", "_PyObject_GC_Calloc", "_PyObject_GC_Resize",
        "_PyObject_GC_Alloc", "gc_alloc",
    };

    for (size_t i = 0; i < PM_ARRAY_LENGTH(names); i++)
        if (pm_text_equal(names[i], function))
            return true;
    return false;
}

/* Whether the name of one of tracemalloc's functions is that of a hook, after the part that says which domain. */
static bool is_operation(const char *function)
{
    return pm_text_starts(function, "alloc") || pm_text_starts(function, "malloc") || pm_text_starts(function, "calloc")
        || pm_text_starts(function, "realloc");
}

enum pm_domain pm_domain_of_tracemalloc(const char *function)
{
    static const char raw[] = "tracemalloc_raw_", other[] = "tracemalloc_";

    if (pm_text_starts(function, raw) && is_operation(function + sizeof raw - 1))
        return PM_DOMAIN_RAW;
    if (pm_text_starts(function, other) && is_operation(function + sizeof other - 1))
        return PM_DOMAIN_MEM;
    return PM_DOMAIN_UNKNOWN;
}

bool pm_domain_is_inside(const char *function)
{
    static const char *const beginnings[] = {
        "PyMem_", "_PyMem_", "PyObject_", "_PyObject_", "pymalloc_", "tracemalloc_", "new_arena",
    };

    for (size_t i = 0; i < PM_ARRAY_LENGTH(beginnings); i++)
        if (pm_text_starts(function, beginnings[i]))
            return true;
    return false;
}

const char *pm_domain_allocators(enum pm_domain domain)
{
    static const char *const names[PM_DOMAINS] = {
        [PM_DOMAIN_UNKNOWN] = "an unknown allocator",
        [PM_DOMAIN_LIBC] = "malloc, calloc or realloc",
        [PM_DOMAIN_RAW] = "PyMem_RawMalloc, PyMem_RawCalloc or PyMem_RawRealloc",
        [PM_DOMAIN_MEM] = "PyMem_Malloc, PyMem_Calloc or PyMem_Realloc",
        [PM_DOMAIN_OBJECT] = "PyObject_Malloc, PyObject_Calloc or PyObject_Realloc",
    };
    return names[domain];
}

const char *pm_domain_frees(enum pm_domain domain)
{
    static const char *const names[PM_DOMAINS] = {
        [PM_DOMAIN_UNKNOWN] = "an unknown function",
        [PM_DOMAIN_LIBC] = "free or realloc",
        [PM_DOMAIN_RAW] = "PyMem_RawFree or PyMem_RawRealloc",
        [PM_DOMAIN_MEM] = "PyMem_Free or PyMem_Realloc",
        [PM_DOMAIN_OBJECT] = "PyObject_Free or PyObject_Realloc",
    };
    return names[domain];
}
