/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of the types in blocks, as they were before the interpreter's finalization.

   A class has its name in a string object. From 3.14 on, and in debug builds of 3.13, finalization frees
   immortal interned strings also where somebody still has them (_PyUnicode_ClearInterned,
   Objects/unicodeobject.c), so the name of a class that is lost cannot be read any more when all else is over. */
#ifndef PM_TYPE_NAMES_H
#define PM_TYPE_NAMES_H

#include "base/pm_strings.h"
#include "base/pm_types.h"
#include "cpython/pm_object.h"

struct pm_run;

struct pm_type_name {
    u64 address;            /* of the type */
    u64 block, serial;      /* of the block with it, and of its allocation */
    struct pm_string_id name;
};

struct pm_type_names {
    struct pm_type_name *entries;
    u32 count, capacity;
};

/* Notes the names of all types in blocks, in place of those noted before. Cost: a look at each block, and reading
   each type. */
void pm_type_names_note(struct pm_run *run);
/* Tells objects the names of the types whose blocks are still the same. */
void pm_type_names_tell(struct pm_run *run, struct pm_objects *objects);

#endif
