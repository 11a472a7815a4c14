/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpython/pm_object_text.h"

#include "base/pm_platform.h"
#include "cpython/pm_object_head.h"
#include "cpython/pm_pystring.h"

bool pm_object_text_append(struct pm_objects *objects, u64 address, struct pm_buffer *to)
{
    const enum pm_shape own = objects->layout->strings == PM_STRING_BYTES ? PM_SHAPE_BYTES : PM_SHAPE_TEXT;
    struct pm_object object;
    const struct pm_object_type *type = pm_object_head_read(objects, address, &object);

    return type != NULL && type->shape == own && pm_pystring_append(objects->layout, objects->reader, address, to);
}

bool pm_object_text_is(struct pm_objects *objects, u64 address, const char *text)
{
    struct pm_buffer buffer;
    bool equal;

    pm_buffer_init(&buffer);
    equal = pm_object_text_append(objects, address, &buffer) && pm_text_equal(buffer.bytes, text);
    pm_buffer_release(&buffer);
    return equal;
}
