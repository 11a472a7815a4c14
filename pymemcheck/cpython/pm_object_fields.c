/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of the words by which objects refer to others. Sources: as pm_object_type.h; struct PyMemberDef
   (Include/structmember.h, 3.12+ descrobject.h) is the same in all versions. */
#include "base/pm_platform.h"
#include "cpython/pm_object.h"
#include "cpython/pm_object_dict.h"
#include "cpython/pm_object_text.h"
#include "cpython/pm_object_type.h"

enum {
    POINTER_BYTES = 8,
    MEMBER_BYTES = 40, MEMBER_TYPE = 8, MEMBER_OFFSET = 16,     /* PyMemberDef */
    MEMBER_OBJECT = 6, MEMBER_OBJECT_EX = 16,                   /* T_OBJECT, T_OBJECT_EX */
    MEMBERS_MAX = 256, BASES_MAX = 64,
    SET_ENTRY_BYTES = 16,
    NAME_BYTES_MAX = 96,
    LOCALS_MAX = 1 << 16,
    INLINE_NAMES_MAX = 256,     /* above SHARED_KEYS_MAX_SIZE, the number of values behind an object */
};

struct field {
    struct pm_objects *objects;
    u64 address;                /* of the object */
    u64 at;                     /* of the word */
    const struct pm_layout_numbers *numbers;
    struct pm_object_type type; /* a copy, as reading other types moves the table */
    struct pm_buffer *out;
};

static bool is_at(const struct field *field, i32 offset)
{
    return offset != PM_LAYOUT_ABSENT && field->at == field->address + (u64)(i64)offset;
}

static bool say(const struct field *field, const char *text)
{
    pm_buffer_add_text(field->out, text);
    return true;
}

/* Sets *index to the element of the array of count pointers at start that the word is; false: none. */
static bool index_in(const struct field *field, u64 start, u64 count, u64 *index)
{
    if (start == 0 || field->at < start || (field->at - start) % POINTER_BYTES != 0)
        return false;
    *index = (field->at - start) / POINTER_BYTES;
    return *index < count;
}

static bool say_index(const struct field *field, u64 start, u64 count)
{
    u64 index;

    if (!index_in(field, start, count, &index))
        return false;
    pm_buffer_add_char(field->out, '[');
    pm_buffer_add_u64(field->out, index);
    pm_buffer_add_char(field->out, ']');
    return true;
}

/* Appends the text of a string object; false: there is none. */
static bool add_string(const struct field *field, u64 string)
{
    struct pm_buffer text;
    bool known;

    pm_buffer_init(&text);
    known = string != 0 && pm_object_text_append(field->objects, string, &text);
    if (known)
        pm_buffer_add_bytes(field->out, text.bytes,
                            text.length < NAME_BYTES_MAX ? text.length : NAME_BYTES_MAX);
    pm_buffer_release(&text);
    return known;
}

/* Appends before, the text of string, and after; nothing if the string cannot be read. */
static bool say_named(const struct field *field, const char *before, u64 string, const char *after)
{
    size_t length = field->out->length;

    pm_buffer_add_text(field->out, before);
    if (!add_string(field, string)) {
        field->out->length = length;
        field->out->bytes[length] = '\0';
        return false;
    }
    pm_buffer_add_text(field->out, after);
    return true;
}

/* Appends a key as it stands between brackets: its preview, else its type's name. */
static void add_key(const struct field *field, u64 key)
{
    struct pm_objects *objects = field->objects;
    struct pm_object object;
    size_t before = field->out->length;
    struct pm_string_id name;

    if (!pm_objects_at(objects, key, &object)) {
        pm_buffer_add_char(field->out, '?');
        return;
    }
    pm_objects_preview(objects, &object, field->out);
    if (field->out->length > before)
        return;
    name = pm_objects_type_name(objects, object.type);
    pm_buffer_add_char(field->out, '<');
    pm_buffer_add_text(field->out, pm_strings_text(objects->strings, name));
    pm_buffer_add_char(field->out, '>');
}

static bool say_item(const struct field *field, u64 key)
{
    if (key == 0)
        return false;
    pm_buffer_add_char(field->out, '[');
    add_key(field, key);
    pm_buffer_add_char(field->out, ']');
    return true;
}

static bool name_in_dict(const struct field *field)
{
    struct pm_object_dict view;
    u64 index, place;

    if (!pm_object_dict_open(field->objects, field->address, &view))
        return false;
    if (view.values != 0 && index_in(field, view.values, view.count, &index))
        return say_item(field, pm_object_dict_key(field->objects, &view, index));
    if (field->at < view.entries || field->at - view.entries >= view.count * view.entry_bytes)
        return false;
    index = (field->at - view.entries) / view.entry_bytes;
    place = (field->at - view.entries) % view.entry_bytes;
    if (place == view.value_at)
        return say_item(field, pm_object_dict_key(field->objects, &view, index));
    if (place != view.key_at)
        return false;
    pm_buffer_add_text(field->out, " key ");
    add_key(field, pm_object_dict_key(field->objects, &view, index));
    return true;
}

static bool name_in_set(const struct field *field)
{
    u64 table = pm_object_word(field->objects, field->address, field->numbers->set_table);
    u64 mask = pm_object_word(field->objects, field->address, field->numbers->set_mask);

    if (table == 0 || field->at < table || (field->at - table) / SET_ENTRY_BYTES > mask
            || (field->at - table) % SET_ENTRY_BYTES != (u64)field->numbers->set_entry_key)
        return false;
    return say(field, " element");
}

static bool name_in_type(const struct field *field)
{
    const struct pm_layout_numbers *at = field->numbers;
    const struct {
        i32 offset;
        const char *name;
    } fields[] = {
        { at->type_dict, ".__dict__" }, { at->type_bases, ".__bases__" },
        { at->type_base, ".__base__" }, { at->type_mro, ".__mro__" },
        { at->type_cache, " cache" }, { at->type_subclasses, " subclasses" },
    };

    for (size_t i = 0; i < PM_ARRAY_LENGTH(fields); i++)
        if (is_at(field, fields[i].offset))
            return say(field, fields[i].name);
    return false;
}

static bool name_in_module(const struct field *field)
{
    if (is_at(field, field->numbers->module_dict))
        return say(field, ".__dict__");
    if (is_at(field, field->numbers->module_name))
        return say(field, ".__name__");
    return is_at(field, field->numbers->module_state) && say(field, " state");
}

/* The item at index of a tuple of names that the code object has. */
static u64 name_of_local(const struct field *field, u64 code, i32 tuple_field, u64 index)
{
    u64 tuple = pm_object_word(field->objects, code, tuple_field);

    if (tuple == 0 || index >= pm_object_word(field->objects, tuple, field->numbers->object_size))
        return 0;
    return pm_object_word(field->objects, tuple + index * POINTER_BYTES, field->numbers->tuple_items);
}

static bool name_local(const struct field *field, u64 frame)
{
    const struct pm_layout_numbers *at = field->numbers;
    u64 code = pm_object_word(field->objects, frame, at->frame_code);
    u64 index, skipped, cells, name;
    u32 count = 0;
    struct pm_object object;

    if (!index_in(field, frame + (u64)at->frame_locals, LOCALS_MAX, &index))
        return false;
    code &= ~(u64)at->code_tag_bits;
    if (!pm_objects_at(field->objects, code, &object))
        return false;
    if (at->code_free_names == PM_LAYOUT_ABSENT) {
        name = name_of_local(field, code, at->code_local_names, index);
    } else {
        pm_reader_read_u32(field->objects->reader, code + (u64)at->code_local_count, &count);
        skipped = pm_object_word(field->objects, code, at->code_cell_names);
        cells = skipped == 0 ? 0 : pm_object_word(field->objects, skipped, at->object_size);
        if (index < count)
            name = name_of_local(field, code, at->code_local_names, index);
        else if (index - count < cells)
            name = name_of_local(field, code, at->code_cell_names, index - count);
        else
            name = name_of_local(field, code, at->code_free_names, index - count - cells);
    }
    if (name == 0)
        return say(field, " evaluation stack");
    return say_named(field, " local variable ", name, "");
}

static bool name_in_frame(const struct field *field)
{
    const struct pm_layout_numbers *at = field->numbers;

    if (field->objects->layout->frames == PM_FRAMES_OBJECTS)
        return name_local(field, field->address);
    return name_local(field, pm_object_word(field->objects, field->address, at->frame_object_frame));
}

static bool name_in_shape(const struct field *field)
{
    const struct pm_layout_numbers *at = field->numbers;
    u64 count = pm_object_word(field->objects, field->address, at->object_size);

    switch (field->type.shape) {
    case PM_SHAPE_LIST:
        return say_index(field, pm_object_word(field->objects, field->address, at->list_items), count);
    case PM_SHAPE_TUPLE:
        return say_index(field, field->address + (u64)at->tuple_items, count);
    case PM_SHAPE_DICT:
        return name_in_dict(field);
    case PM_SHAPE_SET:
        return name_in_set(field);
    case PM_SHAPE_TYPE:
        return name_in_type(field);
    case PM_SHAPE_MODULE:
        return name_in_module(field);
    case PM_SHAPE_CELL:
        return is_at(field, at->cell_contents) && say(field, ".cell_contents");
    case PM_SHAPE_FRAME:
        return name_in_frame(field);
    case PM_SHAPE_GENERATOR:
        return field->objects->layout->frames == PM_FRAMES_STRUCTS
               && name_local(field, field->address + (u64)at->generator_frame);
    default:
        return false;
    }
}

/* Fields that a type's PyMemberDefs describe: __slots__ of classes, and members of types in C. */
static bool name_in_members(const struct field *field, u64 members)
{
    for (u64 i = 0; members != 0 && i < MEMBERS_MAX; i++) {
        u64 member = members + i * MEMBER_BYTES;
        char name[NAME_BYTES_MAX];
        u32 kind;
        u64 text = pm_object_word(field->objects, member, 0);

        if (text == 0 || !pm_reader_read_u32(field->objects->reader, member + MEMBER_TYPE, &kind))
            return false;
        if ((kind != MEMBER_OBJECT && kind != MEMBER_OBJECT_EX)
                || field->at != field->address + pm_object_word(field->objects, member, MEMBER_OFFSET)
                || !pm_reader_read_text(field->objects->reader, text, name, sizeof name))
            continue;
        pm_buffer_add_char(field->out, '.');
        pm_buffer_add_text(field->out, name);
        return true;
    }
    return false;
}

/* The address of an offset. A negative one counts from the object's end (a dict behind the items, up to
   3.11). */
static u64 place_of(const struct field *field, i64 offset)
{
    i64 count;
    u64 size;

    if (offset > 0)
        return field->address + (u64)offset;
    count = (i64)pm_object_word(field->objects, field->address, field->numbers->object_size);
    size = (u64)field->type.basic_size + (u64)field->type.item_size * (u64)(count < 0 ? -(u64)count : (u64)count);
    return field->address + ((size + 7) & ~(u64)7) + (u64)offset;
}

/* Attributes whose values lie behind the object or in a block of their own; the class has the names. */
static bool name_in_values(const struct field *field, const struct pm_object_type *type)
{
    const struct pm_layout_numbers *at = field->numbers;
    struct pm_object_dict view;
    u64 values = 0, index, word;

    if (pm_object_type_has(type, at->type_inline_values_bit)) {
        values = field->address + (u64)type->basic_size + (u64)at->values_items;
    } else if (at->preheader_values != PM_LAYOUT_ABSENT) {
        word = pm_object_word(field->objects, field->address, at->preheader_values);
        if (word != 0 && (word & 1) == (u64)at->preheader_values_less)
            values = word + (u64)at->preheader_values_less + (u64)at->values_items;
    }
    return index_in(field, values, INLINE_NAMES_MAX, &index)
           && pm_object_keys_open(field->objects, type->cached_keys, &view)
           && say_named(field, ".", pm_object_dict_key(field->objects, &view, index), "");
}

static bool name_in_instance(const struct field *field)
{
    const struct pm_layout_numbers *at = field->numbers;
    struct pm_object_type type = field->type;
    bool managed = pm_object_type_has(&type, at->type_managed_dict_bit);

    if (managed && is_at(field, at->preheader_dict))
        return say(field, ".__dict__");
    if (pm_object_type_has(&type, at->type_managed_weakref_bit) && is_at(field, at->preheader_weakrefs))
        return say(field, ".__weakref__");
    if (managed && name_in_values(field, &type))
        return true;
    for (int i = 0; i < BASES_MAX; i++) {
        const struct pm_object_type *base;
        if (name_in_members(field, type.members))
            return true;
        if (type.base == 0 || (base = pm_object_type_find(field->objects, type.base)) == NULL)
            break;
        type = *base;
    }
    type = field->type;
    if (!managed && type.dict_offset != 0 && field->at == place_of(field, type.dict_offset))
        return say(field, ".__dict__");
    return type.weaklist_offset > 0 && field->at == field->address + (u64)type.weaklist_offset
           && say(field, ".__weakref__");
}

bool pm_objects_name_field(struct pm_objects *objects, const struct pm_object *owner, u64 word,
                          struct pm_buffer *out)
{
    const struct pm_object_type *type = pm_object_type_find(objects, owner->type);
    struct field field = {
        .objects = objects, .address = owner->address, .at = word,
        .numbers = &objects->layout->at, .out = out,
    };

    if (type == NULL)
        return false;
    field.type = *type;
    if (is_at(&field, field.numbers->object_type))
        return say(&field, ".ob_type");
    return name_in_shape(&field) || name_in_instance(&field);
}
