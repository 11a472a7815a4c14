/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tells garbage that the interpreter leaves behind from garbage that an extension made. */
#ifndef PM_LEAKKEPT_H
#define PM_LEAKKEPT_H

#include "pub_tool_basics.h"

#include "cpython/pm_object.h"

/* Whether the collector would free the object with the rest of its cycle: it is in the collector's
   list, and all functions that tell what it refers to are the interpreter's own. Cost: a
   look-up of debug information for each base of its type. */
bool pm_leakkept_collectable(struct pm_objects *objects, const struct pm_object *object);

#endif
