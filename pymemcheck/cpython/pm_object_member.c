/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpython/pm_object_member.h"

#include "cpython/pm_object_dict.h"
#include "cpython/pm_object_text.h"
#include "cpython/pm_object_type.h"

static u64 dict_of(struct pm_objects *objects, const struct pm_object *object)
{
    const struct pm_object_type *type = pm_object_type_find(objects, object->type);
    const enum pm_shape shape = type != NULL ? type->shape : PM_SHAPE_OTHER;

    if (shape == PM_SHAPE_MODULE)
        return pm_object_word(objects, object->address, objects->layout->at.module_dict);
    return shape == PM_SHAPE_TYPE ? pm_object_word(objects, object->address, objects->layout->at.type_dict) : 0;
}

bool pm_objects_is_module(struct pm_objects *objects, const struct pm_object *object, const char *name)
{
    const struct pm_object_type *type = pm_object_type_find(objects, object->type);

    if (type == NULL || type->shape != PM_SHAPE_MODULE)
        return false;
    const u64 dict = dict_of(objects, object), own = dict == 0 ? 0 : pm_object_dict_get(objects, dict, "__name__");
    return own != 0 && pm_object_text_is(objects, own, name);
}

u64 pm_objects_member(struct pm_objects *objects, const struct pm_object *object, const char *name)
{
    const u64 dict = dict_of(objects, object);

    return dict == 0 ? 0 : pm_object_dict_get(objects, dict, name);
}

bool pm_objects_header_of_type(struct pm_objects *objects, u64 address, u32 *bytes)
{
    const struct pm_object_type *type = pm_object_type_find(objects, address);

    if (type == NULL)
        return false;
    *bytes = pm_object_type_header(objects, type, pm_object_type_has(type, PM_TYPE_GC_BIT));
    return true;
}
