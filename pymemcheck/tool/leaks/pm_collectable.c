/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_debuginfo.h"

#include "tool/leaks/pm_collectable.h"

enum { MAX_TRAVERSALS = 64 };

bool pm_collectable(struct pm_objects *objects, const struct pm_object *object)
{
    DiEpoch epoch = VG_(current_DiEpoch)();
    u64 functions[MAX_TRAVERSALS], own;
    u32 count;

    if (object->linked && objects->layout->leaves_garbage)
        return true;
    if (!object->linked || pm_objects_traversals(objects, objects->metatype, &own, 1) != 1)
        return false;
    const DebugInfo *interpreter = VG_(find_DebugInfo)(epoch, own);
    count = pm_objects_traversals(objects, object->type, functions, MAX_TRAVERSALS);
    for (u32 i = 0; i < count; i++)
        if (VG_(find_DebugInfo)(epoch, functions[i]) != interpreter)
            return false;
    return interpreter != NULL && count > 0 && count < MAX_TRAVERSALS;
}
