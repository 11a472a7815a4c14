/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpython/pm_object.h"

#include "base/pm_platform.h"
#include "cpython/pm_object_head.h"
#include "cpython/pm_object_text.h"
#include "cpython/pm_object_type.h"

enum {
    POINTER_BYTES = 8,
    BASES_MAX = 64,
    GC_LINK_FLAGS = 3,          /* _gc_prev from 3.8 on, _gc_next from 3.12 on; 0 before */
    LONG_TAG_SHIFT = 3,         /* of lv_tag: _PyLong_NON_SIZE_BITS */
};

bool pm_objects_init(struct pm_objects *objects, struct pm_reader *reader, struct pm_strings *strings,
                     const struct pm_interpreter *interpreter)
{
    const struct pm_layout *layout = interpreter->layout;
    u64 own_type;

    *objects = (struct pm_objects){ .reader = reader, .strings = strings, .layout = layout };
    pm_object_types_init(objects);
    if (layout == NULL || layout->at.object_refcount == PM_LAYOUT_ABSENT
            || interpreter->code_type == 0)
        return false;
    /* Only type is its own type. */
    return pm_reader_read_u64(reader, interpreter->code_type + (u64)layout->at.object_type,
                              &objects->metatype)
           && pm_reader_read_u64(reader, objects->metatype + (u64)layout->at.object_type, &own_type)
           && own_type == objects->metatype
           && pm_object_type_find(objects, objects->metatype) != NULL
           && pm_object_type_find(objects, interpreter->code_type) != NULL;
}

void pm_objects_release(struct pm_objects *objects)
{
    pm_object_types_release(objects);
}

/* Whether the count is an address. Only for blocks: objects in static memory have counts of 999999999 and
   more in 3.11, and the program's heap may be at such addresses. */
static bool looks_like_address(struct pm_objects *objects, const struct pm_object *object)
{
    return object->references >= PM_REFERENCES_USUAL && !object->immortal
           && pm_reader_page(objects->reader, object->references >> PM_READER_PAGE_BITS) != NULL;
}

/* Whether the object fits into room bytes. For shapes with a known meaning of ob_size, that includes the
   items. Other types use ob_size as they like. */
static bool fits(struct pm_objects *objects, const struct pm_object *object,
                 const struct pm_object_type *type, u64 room)
{
    const struct pm_layout_numbers *at = &objects->layout->at;
    u64 count;

    if (type->shape == PM_SHAPE_TEXT)
        return room >= (u64)at->unicode_ascii_data;
    if (type->shape == PM_SHAPE_LONG || type->shape == PM_SHAPE_BOOL) {
        if (room < (u64)at->long_digits)
            return false;
        if (at->long_tag != PM_LAYOUT_ABSENT) {
            count = pm_object_word(objects, object->address, at->long_tag) >> LONG_TAG_SHIFT;
        } else {
            count = pm_object_word(objects, object->address, at->object_size);
            count = (i64)count < 0 ? -count : count;
        }
        return type->shape == PM_SHAPE_BOOL || count <= (room - (u64)at->long_digits) / sizeof(u32);
    }
    /* Without a time zone, the last member (the pointer to it) is not allocated. */
    if (type->shape == PM_SHAPE_MOMENT)
        return room + POINTER_BYTES >= (u64)type->basic_size;
    if (room < (u64)type->basic_size)
        return false;
    if (type->shape != PM_SHAPE_TUPLE && type->shape != PM_SHAPE_BYTES)
        return true;
    count = pm_object_word(objects, object->address, at->object_size);
    return type->item_size == 0 || count <= (room - (u64)type->basic_size) / (u64)type->item_size;
}

static bool is_collected(struct pm_objects *objects, u64 address, const struct pm_object_type *type)
{
    u64 flags;

    if (!pm_object_type_has(type, PM_TYPE_GC_BIT))
        return false;
    /* type_is_gc (Objects/typeobject.c): a type in static memory has no GC head, though its type says so. */
    if (type->shape != PM_SHAPE_TYPE)
        return true;
    flags = pm_object_word(objects, address, objects->layout->at.type_flags);
    return pm_type_flag(flags, PM_TYPE_HEAP_BIT);
}

/* Whether the GC head says that the collector does not track the object (_PyGC_REFS_UNTRACKED). */
static bool is_untracked(struct pm_objects *objects, u64 head)
{
    const i64 unit = objects->layout->gc_refs_unit;

    if (unit == 0)
        return false;
    const i64 refs = (i64)pm_object_word(objects, head, objects->layout->at.gc_prev + POINTER_BYTES);
    return refs >= -2 * unit && refs < -unit;
}

/* Whether the collector's list has the object: one neighbour must confirm it. From 3.9 on the list's head lies
   in the interpreter's state, and finalization of 3.9 and 3.10 frees that. Then the first and the last
   object have lost one neighbour, and an object alone in its list has lost both. */
static bool is_linked(struct pm_objects *objects, u64 head)
{
    const struct pm_layout_numbers *at = &objects->layout->at;
    u64 next = pm_object_word(objects, head, at->gc_next) & ~(u64)GC_LINK_FLAGS;
    u64 prev = pm_object_word(objects, head, at->gc_prev) & ~(u64)GC_LINK_FLAGS;

    return next != 0 && prev != 0 && !is_untracked(objects, head)
           && (next == prev
               || (pm_object_word(objects, next, at->gc_prev) & ~(u64)GC_LINK_FLAGS) == head
               || (pm_object_word(objects, prev, at->gc_next) & ~(u64)GC_LINK_FLAGS) == head);
}

/* The separate block with a text's wchar_t form, or 0. Up to 3.11 a compact text whose characters have the size
   of wchar_t points into itself instead (_PyUnicode_SHARE_WSTR, Objects/unicodeobject.c). */
static u64 wide_memory(struct pm_objects *objects, u64 address, bool ascii)
{
    const struct pm_layout_numbers *at = &objects->layout->at;
    u64 wide = at->unicode_wstr == PM_LAYOUT_ABSENT ? 0
               : pm_object_word(objects, address, at->unicode_wstr);

    return wide == address + (u64)(ascii ? at->unicode_ascii_data : at->unicode_compact_data) ? 0 : wide;
}

/* A text holds pointers if it is not compact, or if its UTF-8 or wchar_t form was made. */
static bool is_opaque_text(struct pm_objects *objects, u64 address)
{
    const struct pm_layout_numbers *at = &objects->layout->at;
    u32 state;
    bool ascii;

    if (!pm_reader_read_u32(objects->reader, address + (u64)at->unicode_state, &state)
            || ((state >> at->unicode_compact_shift) & 1) == 0)
        return false;
    ascii = ((state >> at->unicode_ascii_shift) & 1) != 0;
    return wide_memory(objects, address, ascii) == 0
           && (ascii || pm_object_word(objects, address, at->unicode_utf8) == 0);
}

static bool is_opaque(struct pm_objects *objects, u64 address, const struct pm_object_type *type)
{
    if (!type->exact)
        return false;
    switch (type->shape) {
    case PM_SHAPE_BYTES:
    case PM_SHAPE_LONG:
    case PM_SHAPE_INT:
    case PM_SHAPE_BOOL:
    case PM_SHAPE_FLOAT:
    case PM_SHAPE_COMPLEX:
        return true;
    case PM_SHAPE_TEXT:
        return is_opaque_text(objects, address);
    default:
        return false;
    }
}

static bool is_interned(struct pm_objects *objects, u64 address, const struct pm_object_type *type)
{
    const struct pm_layout_numbers *at = &objects->layout->at;
    u32 state;

    if (type->shape == PM_SHAPE_TEXT)
        return pm_reader_read_u32(objects->reader, address + (u64)at->unicode_state, &state)
               && ((state >> at->unicode_interned_shift) & (u32)at->unicode_interned_mask) != 0;
    if (type->shape == PM_SHAPE_BYTES && at->bytes_interned != PM_LAYOUT_ABSENT)
        return pm_reader_read_u32(objects->reader, address + (u64)at->bytes_interned, &state)
               && state != 0;
    return false;
}

static u64 kept_of_module(struct pm_objects *objects, u64 address)
{
    static const char *const start_modules[] = { "sys", "builtins", "_warnings" };
    const struct pm_layout *layout = objects->layout;

    if (layout->kept_references == 0 || layout->at.module_name == PM_LAYOUT_ABSENT)
        return 0;
    u64 name = pm_object_word(objects, address, layout->at.module_name);
    for (size_t i = 0; name != 0 && i < PM_ARRAY_LENGTH(start_modules); i++)
        if (pm_object_text_is(objects, name, start_modules[i]))
            return layout->kept_references;
    return 0;
}

static u64 kept_of_text(struct pm_objects *objects, u64 address)
{
    static const char first[] = "importlib", second[] = "_bootstrap";
    const struct pm_layout *layout = objects->layout;
    u64 length;

    if (layout->kept_texts == 0)
        return 0;
    length = pm_object_word(objects, address, layout->at.unicode_length);
    return (length == sizeof first - 1 && pm_object_text_is(objects, address, first))
           || (length == sizeof second - 1 && pm_object_text_is(objects, address, second))
           ? layout->kept_texts : 0;
}

static u64 kept_references(struct pm_objects *objects, const struct pm_object *object, enum pm_shape shape)
{
    if (shape == PM_SHAPE_MODULE)
        return kept_of_module(objects, object->address);
    /* Such a text in a program's source is interned. */
    return shape == PM_SHAPE_TEXT && !object->interned ? kept_of_text(objects, object->address) : 0;
}

/* Fills the rest of object. before: how many bytes of its block lie between a debug hook's prefix and the
   object. */
static void describe(struct pm_objects *objects, const struct pm_object_type *type, u32 before,
                     bool collected, struct pm_object *object)
{
    const struct pm_layout_numbers *at = &objects->layout->at;

    object->interned = is_interned(objects, object->address, type);
    object->kept_references = 0;
    object->opaque = object->references > 0 && is_opaque(objects, object->address, type);
    object->linked = collected && is_linked(objects, object->address - (u64)at->gc_head_bytes);
    object->collector_from = object->collector_to = 0;
    if (object->linked && before >= (u32)at->gc_head_bytes) {
        u32 head = object->offset - (u32)at->gc_head_bytes;
        i32 first = at->gc_next < at->gc_prev ? at->gc_next : at->gc_prev;
        i32 last = at->gc_next < at->gc_prev ? at->gc_prev : at->gc_next;
        object->collector_from = head + (u32)first;
        object->collector_to = head + (u32)last + POINTER_BYTES;
    }
}

/* Whether an object lies behind hook_prefix + before bytes of the block: its type must need exactly before
   bytes in front of it. */
static bool identify_at(struct pm_objects *objects, u64 start, u64 bytes, u32 before,
                        u32 hook_prefix, struct pm_object *object)
{
    const struct pm_layout_numbers *at = &objects->layout->at;
    const struct pm_object_type *type;
    u64 skipped = (u64)hook_prefix + before;
    bool collected;

    if (skipped + (u64)at->object_bytes > bytes)
        return false;
    type = pm_object_head_read(objects, start + skipped, object);
    if (type == NULL || looks_like_address(objects, object))
        return false;
    collected = is_collected(objects, object->address, type);
    if (pm_object_type_header(objects, type, collected) != before
            || !fits(objects, object, type, bytes - skipped))
        return false;
    object->offset = (u32)skipped;
    describe(objects, type, before, collected, object);
    object->kept_references = kept_references(objects, object, type->shape);
    return true;
}

bool pm_objects_identify(struct pm_objects *objects, u64 address, u64 bytes, u64 hook_prefix_bytes,
                         struct pm_object *object)
{
    const struct pm_layout_numbers *at = &objects->layout->at;
    u32 head = (u32)at->gc_head_bytes;
    u32 hook = (u32)hook_prefix_bytes;
    u32 preheader = at->preheader_bytes == PM_LAYOUT_ABSENT ? 0 : (u32)at->preheader_bytes;

    if (address % POINTER_BYTES != 0)
        return false;
    return identify_at(objects, address, bytes, 0, hook, object)
           || identify_at(objects, address, bytes, head, hook, object)
           || (preheader != 0
               && (identify_at(objects, address, bytes, head + preheader, hook, object)
                   || (head != preheader
                       && identify_at(objects, address, bytes, preheader, hook, object))));
}

bool pm_objects_at(struct pm_objects *objects, u64 address, struct pm_object *object)
{
    const struct pm_object_type *type = pm_object_head_read(objects, address, object);

    if (type == NULL)
        return false;
    object->offset = 0;
    describe(objects, type, 0, is_collected(objects, address, type), object);
    return true;
}

struct part_list {
    u64 *parts;
    u32 count, capacity;
};

static void add_part(struct part_list *list, u64 part)
{
    if (part != 0 && list->count < list->capacity)
        list->parts[list->count++] = part;
}

static void add_text_parts(struct pm_objects *objects, u64 address, struct part_list *list)
{
    const struct pm_layout_numbers *at = &objects->layout->at;
    u32 state;
    bool compact, ascii;

    if (!pm_reader_read_u32(objects->reader, address + (u64)at->unicode_state, &state))
        return;
    compact = ((state >> at->unicode_compact_shift) & 1) != 0;
    ascii = ((state >> at->unicode_ascii_shift) & 1) != 0;
    add_part(list, wide_memory(objects, address, ascii));
    if (!compact || !ascii)
        add_part(list, pm_object_word(objects, address, at->unicode_utf8));
    if (!compact)
        add_part(list, pm_object_word(objects, address, at->unicode_legacy_data));
}

/* Adds a table that begins inside the object and moves to a block of its own when it grows. */
static void add_table(struct pm_objects *objects, u64 address, i32 table, i32 small_table,
                      struct part_list *list)
{
    u64 part = pm_object_word(objects, address, table);

    if (part != address + (u64)small_table)
        add_part(list, part);
}

static void add_shape_parts(struct pm_objects *objects, u64 address, enum pm_shape shape,
                            struct part_list *list)
{
    const struct pm_layout_numbers *at = &objects->layout->at;

    switch (shape) {
    case PM_SHAPE_TEXT:
        add_text_parts(objects, address, list);
        break;
    case PM_SHAPE_WIDE:
        add_part(list, pm_object_word(objects, address, at->wide_data));
        break;
    case PM_SHAPE_BYTE_ARRAY:
        add_part(list, pm_object_word(objects, address, at->byte_array_data));
        break;
    case PM_SHAPE_LIST:
        add_part(list, pm_object_word(objects, address, at->list_items));
        break;
    case PM_SHAPE_DICT:
        if (at->dict_table != PM_LAYOUT_ABSENT) {
            add_table(objects, address, at->dict_table, at->dict_small_table, list);
        } else {
            add_part(list, pm_object_word(objects, address, at->dict_keys));
            add_part(list, pm_object_word(objects, address, at->dict_values));
        }
        break;
    case PM_SHAPE_SET:
        add_table(objects, address, at->set_table, at->set_small_table, list);
        break;
    case PM_SHAPE_MODULE:
        if (at->module_state != PM_LAYOUT_ABSENT)
            add_part(list, pm_object_word(objects, address, at->module_state));
        break;
    default:
        break;
    }
}

u32 pm_objects_parts(struct pm_objects *objects, const struct pm_object *object, u64 *parts,
                     u32 capacity)
{
    const struct pm_layout_numbers *at = &objects->layout->at;
    const struct pm_object_type *type = pm_object_type_find(objects, object->type);
    struct part_list list = { .parts = parts, .capacity = capacity };

    /* An object in a free list still points to memory that was freed. */
    if (type == NULL || object->references == 0)
        return 0;
    add_shape_parts(objects, object->address, type->shape, &list);
    if (type->shape == PM_SHAPE_TYPE && is_collected(objects, object->address, type)) {
        add_part(&list, pm_object_word(objects, object->address, at->type_doc));
        if (at->type_cached_keys != PM_LAYOUT_ABSENT)
            add_part(&list, pm_object_word(objects, object->address, at->type_cached_keys));
    }
    if (at->preheader_values != PM_LAYOUT_ABSENT
            && pm_object_type_has(type, at->type_managed_dict_bit)) {
        u64 word = pm_object_word(objects, object->address, at->preheader_values);
        if ((word & 1) == (u64)at->preheader_values_less)
            add_part(&list, word);
    }
    return list.count;
}

bool pm_objects_is_type(struct pm_objects *objects, const struct pm_object *object)
{
    const struct pm_object_type *type = pm_object_type_find(objects, object->type);
    return type != NULL && type->shape == PM_SHAPE_TYPE;
}

bool pm_objects_is_global(struct pm_objects *objects, const struct pm_object *object)
{
    const struct pm_object_type *type = pm_object_type_find(objects, object->type);
    return type != NULL && (type->shape == PM_SHAPE_TYPE || type->shape == PM_SHAPE_MODULE
                            || type->shape == PM_SHAPE_CAPSULE);
}

/* The functions that a type and its bases name at field. */
static u32 functions_at(struct pm_objects *objects, u64 address, i32 field, u64 *functions, u32 capacity)
{
    const struct pm_object_type *type = pm_object_type_find(objects, address);
    u32 count = 0;

    for (int depth = 0; type != NULL && depth < BASES_MAX; depth++) {
        u64 function = pm_object_word(objects, type->address, field);
        if (function != 0 && count < capacity)
            functions[count++] = function;
        type = type->base == 0 || type->base == type->address ? NULL
               : pm_object_type_find(objects, type->base);
    }
    return count;
}

u32 pm_objects_traversals(struct pm_objects *objects, u64 address, u64 *functions, u32 capacity)
{
    return functions_at(objects, address, objects->layout->at.type_traverse, functions, capacity);
}

u32 pm_objects_deallocators(struct pm_objects *objects, u64 address, u64 *functions, u32 capacity)
{
    return functions_at(objects, address, objects->layout->at.type_dealloc, functions, capacity);
}
