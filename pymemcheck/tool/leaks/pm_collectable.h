/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tells garbage that the interpreter leaves behind from garbage that an extension made. */
#ifndef PM_COLLECTABLE_H
#define PM_COLLECTABLE_H

#include "pub_tool_basics.h"

#include "cpython/pm_object.h"

struct pm_run;

/* Whether the collector would free the object with the rest of its cycle: it is in the collector's
   list, and all functions that tell what it refers to are the interpreter's own; or the collector had no chance,
   since an interpreter that leaves its garbage (2.7) has been finalized. Cost: a look-up of debug information for
   each base of its type. */
bool pm_collectable(const struct pm_run *run, struct pm_objects *objects,
                             const struct pm_object *object);

#endif
