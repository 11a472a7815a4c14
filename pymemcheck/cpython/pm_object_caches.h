/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables in which the interpreter caches pointers to objects without a reference to them.

   - The cache of attributes of types: 2^12 entries (2^9 up to 3.3) of a type's version, a name, and the
     value that the type has by that name. Only the name is counted (struct type_cache_entry,
     Include/internal/pycore_interp.h, pycore_typeobject.h, 3.11 and later; method_cache,
     Objects/typeobject.c, before).
   - From 3.12 on, the cache of functions by their version: 2^12 pointers to functions, from 3.13 on each
     with one to its code (func_version_cache, Include/internal/pycore_function.h).

   No symbol names them in a stripped interpreter, and their place in the interpreter's state is in no
   table of offsets, so they are found by what is in them. */
#ifndef PM_OBJECT_CACHES_H
#define PM_OBJECT_CACHES_H

#include "cpython/pm_object.h"

struct pm_object_cache_visitor {
    /* The word at address is in such a table and is no reference. */
    void (*hide)(void *context, u64 address);
    void *context;
};

/* Looks for such tables in the client memory from low to high, both multiples of 8. Calls visitor in
   ascending order. Cost: a few reads for each word that is small and not 0, or that points to a function. */
void pm_objects_each_cache_word(struct pm_objects *objects, u64 low, u64 high,
                                const struct pm_object_cache_visitor *visitor);

/* Smaller memory has no room for such a table. */
enum { PM_OBJECT_CACHE_BYTES = 4096 * 8 };

#endif
