/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of types. A class statement stores the bare name in the type, and the module in the class's dict. */
#include "base/pm_buffer.h"
#include "base/pm_platform.h"
#include "cpython/pm_object.h"
#include "cpython/pm_object_dict.h"
#include "cpython/pm_object_text.h"
#include "cpython/pm_object_type.h"

static bool has_dot(const char *name)
{
    for (; *name != '\0'; name++)
        if (*name == '.')
            return true;
    return false;
}

static void add_module(struct pm_objects *objects, const struct pm_object_type *type,
                       struct pm_buffer *out)
{
    u64 dict = pm_object_word(objects, type->address, objects->layout->at.type_dict);
    u64 module = dict == 0 ? 0 : pm_object_dict_get(objects, dict, "__module__");
    size_t before = out->length;

    if (module == 0)
        return;
    if (pm_object_text_append(objects, module, out) && out->length > before
            && !pm_text_equal(out->bytes + before, "builtins")
            && !pm_text_equal(out->bytes + before, "__builtin__")) {
        pm_buffer_add_char(out, '.');
    } else {
        out->length = before;
        out->bytes[before] = '\0';
    }
}

struct pm_string_id pm_objects_type_name(struct pm_objects *objects, u64 address)
{
    const struct pm_object_type *found = pm_object_type_find(objects, address);
    struct pm_string_id name = { 0 };
    struct pm_object_type type;
    struct pm_buffer text;
    char bare[PM_TYPE_NAME_BYTES];

    if (found == NULL)
        return name;
    if (found->named)
        return found->name;
    type = *found;
    pm_buffer_init(&text);
    if (pm_reader_read_text(objects->reader, type.tp_name, bare, sizeof bare)) {
        if (pm_object_type_has(&type, PM_TYPE_HEAP_BIT) && !has_dot(bare))
            add_module(objects, &type, &text);
        pm_buffer_add_text(&text, bare);
        name = pm_strings_intern(objects->strings, text.bytes, text.length);
    }
    pm_buffer_release(&text);
    pm_object_type_set_name(objects, address, name);
    return name;
}

void pm_objects_name_type(struct pm_objects *objects, u64 type, struct pm_string_id name)
{
    if (pm_object_type_find(objects, type) != NULL)
        pm_object_type_set_name(objects, type, name);
}
