/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attributes of modules and classes by their names, as far as they are in the dict of the object itself. */
#ifndef PM_OBJECT_MEMBER_H
#define PM_OBJECT_MEMBER_H

#include "cpython/pm_object_state.h"

/* Whether the object is the module of this name (__name__). */
bool pm_objects_is_module(struct pm_objects *objects, const struct pm_object *object, const char *name);

/* The address of the attribute of a module or class; 0: there is none, or it is neither. */
u64 pm_objects_member(struct pm_objects *objects, const struct pm_object *object, const char *name);

#endif
