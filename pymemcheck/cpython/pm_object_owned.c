/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sources: the tp_dealloc functions of Objects/listobject.c, tupleobject.c, dictobject.c, setobject.c, cellobject.c and
   funcobject.c, 2.7 to 3.15. They give back one reference for each of these words. */
#include "cpython/pm_object_owned.h"

#include "base/pm_platform.h"
#include "cpython/pm_object.h"
#include "cpython/pm_object_dict.h"
#include "cpython/pm_object_type.h"

enum { WORD = 8, SET_ENTRY_BYTES = 16 };

#define ITEMS_MAX ((u64)1 << 32)

struct owned_list {
    struct pm_object_owned *ranges;
    u32 count;
};

static void add(struct owned_list *list, u64 first, u64 end, u32 stride, bool shared)
{
    if (list->count < PM_OBJECT_OWNED_MAX && first < end)
        list->ranges[list->count++] = (struct pm_object_owned){ first, end, stride, shared };
}

static void add_items(struct pm_objects *objects, u64 address, u64 items, struct owned_list *list)
{
    u64 size = pm_object_word(objects, address, objects->layout->at.object_size);

    if (items != 0 && size < ITEMS_MAX)
        add(list, items, items + size * WORD, WORD, false);
}

/* property.__get__ keeps a tuple for its arguments, with a borrowed item, outside of the collector's list
   (Objects/descrobject.c, 3.5 to 3.7). */
static bool may_borrow(struct pm_objects *objects, const struct pm_object *tuple)
{
    const struct pm_layout_numbers *at = &objects->layout->at;
    struct pm_object item;

    return !tuple->linked && pm_object_word(objects, tuple->address, at->object_size) == 1
        && !(pm_objects_at(objects, pm_object_word(objects, tuple->address, at->tuple_items), &item)
             && pm_objects_is_singleton(objects, &item));
}

/* Entries without a key have no value either. Where the dict has an array of values, the entries have
   none, and other dicts may have the same keys. */
static void add_dict(struct pm_objects *objects, u64 dict, struct owned_list *list)
{
    struct pm_object_dict view;

    if (!pm_object_dict_open(objects, dict, &view) || view.count >= ITEMS_MAX)
        return;
    const u64 end = view.entries + view.count * view.entry_bytes;
    add(list, view.entries + view.key_at, end, view.entry_bytes, view.values != 0);
    if (view.values != 0)
        add(list, view.values, view.values + view.count * WORD, WORD, true);
    else
        add(list, view.entries + view.value_at, end, view.entry_bytes, false);
}

static void add_set(struct pm_objects *objects, u64 set, struct owned_list *list)
{
    const struct pm_layout_numbers *at = &objects->layout->at;
    u64 table = pm_object_word(objects, set, at->set_table);
    u64 count = pm_object_word(objects, set, at->set_mask) + 1;

    if (table != 0 && count < ITEMS_MAX)
        add(list, table + (u64)at->set_entry_key, table + count * SET_ENTRY_BYTES, SET_ENTRY_BYTES, false);
}

/* All fields but the list of weak references own what they point to; the others are no pointers to objects. */
static void add_function(struct pm_objects *objects, u64 function, const struct pm_object_type *type,
                         struct owned_list *list)
{
    const u64 first = function + (u64)objects->layout->at.object_bytes;
    const u64 end = function + ((u64)type->basic_size & ~(u64)(WORD - 1));
    const u64 weak = type->weaklist_offset > 0 ? function + (u64)type->weaklist_offset : end;

    add(list, first, weak, WORD, false);
    add(list, weak + WORD, end, WORD, false);
}

/* Where the attributes of an instance without a __dict__ of its own are; 0: nowhere. When the instance gets
   one, that takes the values over, and what is left behind the instance may be out of date (3.13+). */
static u64 values_of(struct pm_objects *objects, u64 instance, const struct pm_object_type *type)
{
    const struct pm_layout_numbers *at = &objects->layout->at;

    if (pm_object_type_has(type, at->type_inline_values_bit))
        return pm_object_word(objects, instance, at->preheader_dict) != 0 ? 0
               : instance + (u64)type->basic_size + (u64)at->values_items;
    if (at->preheader_values == PM_LAYOUT_ABSENT)
        return 0;
    u64 word = pm_object_word(objects, instance, at->preheader_values);
    return word == 0 || (word & 1) != (u64)at->preheader_values_less ? 0
           : word + (u64)at->preheader_values_less + (u64)at->values_items;
}

static void add_attributes(struct pm_objects *objects, u64 instance, const struct pm_object_type *type,
                           struct owned_list *list)
{
    struct pm_object_dict view;

    if (!pm_object_type_has(type, objects->layout->at.type_managed_dict_bit))
        return;
    const u64 values = values_of(objects, instance, type);
    if (values != 0 && pm_object_keys_open(objects, type->cached_keys, &view) && view.count < ITEMS_MAX)
        add(list, values, values + view.count * WORD, WORD, true);
}

u32 pm_objects_owned_words(struct pm_objects *objects, const struct pm_object *object,
                           struct pm_object_owned ranges[PM_OBJECT_OWNED_MAX])
{
    const struct pm_layout_numbers *at = &objects->layout->at;
    const struct pm_object_type *found = pm_object_type_find(objects, object->type);
    struct owned_list list = { .ranges = ranges };

    if (found == NULL || object->references == 0)
        return 0;
    const struct pm_object_type type = *found;
    if (!type.exact) {
        add_attributes(objects, object->address, &type, &list);
        return list.count;
    }
    switch (type.shape) {
    case PM_SHAPE_LIST:
        add_items(objects, object->address, pm_object_word(objects, object->address, at->list_items), &list);
        break;
    case PM_SHAPE_TUPLE:
        if (!may_borrow(objects, object))
            add_items(objects, object->address, object->address + (u64)at->tuple_items, &list);
        break;
    case PM_SHAPE_DICT:
        add_dict(objects, object->address, &list);
        break;
    case PM_SHAPE_SET:
        add_set(objects, object->address, &list);
        break;
    case PM_SHAPE_CELL:
        add(&list, object->address + (u64)at->cell_contents, object->address + (u64)at->cell_contents + WORD, WORD,
            false);
        break;
    case PM_SHAPE_FUNCTION:
        add_function(objects, object->address, &type, &list);
        break;
    case PM_SHAPE_OTHER:
        add_attributes(objects, object->address, &type, &list);
        break;
    default:
        break;
    }
    return list.count;
}

bool pm_objects_is_singleton(struct pm_objects *objects, const struct pm_object *object)
{
    static const char *const names[] = { "NoneType", "ellipsis", "NotImplementedType" };
    const struct pm_object_type *type = pm_object_type_find(objects, object->type);
    char name[PM_TYPE_NAME_BYTES];

    if (type == NULL || pm_object_type_has(type, PM_TYPE_HEAP_BIT)
            || !pm_reader_read_text(objects->reader, type->tp_name, name, sizeof name))
        return false;
    if (type->shape == PM_SHAPE_BOOL)
        return true;
    for (size_t i = 0; i < PM_ARRAY_LENGTH(names); i++)
        if (pm_text_equal(name, names[i]))
            return true;
    return false;
}
