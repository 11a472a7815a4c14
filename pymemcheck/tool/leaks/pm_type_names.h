/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of the types in blocks, as they were before the interpreter's finalization.

   The name of a class is in a string object. From 3.14 on, and in debug builds of 3.13,
   finalization frees immortal interned strings that are still in use
   (_PyUnicode_ClearInterned, Objects/unicodeobject.c). So the name of a class that is lost
   cannot be read after finalization. */
#ifndef PM_TYPE_NAMES_H
#define PM_TYPE_NAMES_H

#include "base/pm_strings.h"
#include "base/pm_types.h"
#include "cpython/pm_object.h"
#include "heap/pm_blocks.h"

struct pm_type_name {
    u64 address;            /* of the type */
    u64 block, serial;      /* of the block that it is in, and of its allocation */
    struct pm_string_id name;
};

struct pm_type_names {
    struct pm_type_name *entries;
    u32 count, capacity;
};

/* Records the names of all types in blocks, in place of those recorded before. Cost: a look at
   each block, and reading each type. */
void pm_type_names_record(struct pm_type_names *names, struct pm_objects *objects,
                          const struct pm_blocks *blocks);
/* Tells objects the names of the types whose blocks were not freed since. */
void pm_type_names_tell(const struct pm_type_names *names, struct pm_objects *objects,
                        const struct pm_blocks *blocks);

#endif
