/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The platform seam inside Valgrind: its allocator and its panic. */
#include "pub_tool_basics.h"
#include "pub_tool_libcassert.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_libcproc.h"
#include "pub_tool_mallocfree.h"

#include "base/pm_platform.h"

void *pm_alloc(const char *tag, size_t bytes)
{
    return VG_(malloc)(tag, bytes);
}

void *pm_alloc_zero(const char *tag, size_t bytes)
{
    return VG_(calloc)(tag, 1, bytes);
}

void *pm_realloc(const char *tag, void *memory, size_t bytes)
{
    return VG_(realloc)(tag, memory, bytes);
}

void pm_free(void *memory)
{
    VG_(free)(memory);
}

void pm_panic(const char *file, int line, const char *what)
{
    VG_(printf)("pymemcheck: %s:%d: broken invariant: %s\n", file, line, what);
    VG_(tool_panic)("broken invariant");
}
