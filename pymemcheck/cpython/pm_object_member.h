/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What modules and classes say: attributes by their names, as far as they are in the dict of the object itself; and what a
   class's instances begin with. */
#ifndef PM_OBJECT_MEMBER_H
#define PM_OBJECT_MEMBER_H

#include "cpython/pm_object_state.h"

/* Whether the object is the module of this name (__name__). */
bool pm_objects_is_module(struct pm_objects *objects, const struct pm_object *object, const char *name);

/* The address of the attribute of a module or class; 0: there is none, or it is neither. */
u64 pm_objects_member(struct pm_objects *objects, const struct pm_object *object, const char *name);

/* How many bytes stand before an instance of the type at an address, in its block: pre-header and GC head. False: there
   is no type. */
bool pm_objects_header_of_type(struct pm_objects *objects, u64 type, u32 *bytes);

#endif
