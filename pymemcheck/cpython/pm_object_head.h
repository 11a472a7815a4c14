/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reference count and the type of an object, for pm_object*.c only. */
#ifndef PM_OBJECT_HEAD_H
#define PM_OBJECT_HEAD_H

#include "cpython/pm_object_state.h"
#include "cpython/pm_object_type.h"

/* A higher count is looked at twice: an array of pointers, such as the attributes of an instance, may have
   a type in its second place, and then the first is no count but an address. */
#define PM_REFERENCES_USUAL ((u64)1 << 16)

/* Sets address, type, references, immortal and free_link of the object at address. Returns its type, as
   pm_object_type_find; NULL if there is no object: the address is odd, the count makes no sense, or
   the type is none. */
const struct pm_object_type *pm_object_head_read(struct pm_objects *objects, u64 address,
                                                 struct pm_object *object);

#endif
