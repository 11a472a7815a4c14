/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tells garbage that the interpreter's finalization leaves behind from garbage that an extension made. */
#ifndef PM_COLLECTABLE_H
#define PM_COLLECTABLE_H

#include "cpython/pm_object.h"

/* Whether the collector would free the object with the rest of its cycle, if it ran once more after
   finalization: it is in the collector's list, and the interpreter itself has every tp_traverse of its type and the
   type's bases. Of an interpreter that leaves its garbage (2.7) true for all objects in the list: its collector had
   no chance. Cost: a look-up of debug information for each base of the
   type. */
bool pm_collectable(struct pm_objects *objects, const struct pm_object *object);

#endif
