/* SPDX-License-Identifier: GPL-2.0-or-later */
/* By what name a word of an object refers to another. Sources: as pm_object_type.h;
   struct PyMemberDef (Include/structmember.h, 3.12+ descrobject.h) is the same in all. */
#include "base/pm_platform.h"
#include "cpython/pm_object.h"
#include "cpython/pm_object_dict.h"
#include "cpython/pm_object_type.h"
#include "cpython/pm_pystring.h"

enum {
    POINTER_BYTES = 8,
    MEMBER_BYTES = 40, MEMBER_TYPE = 8, MEMBER_OFFSET = 16,     /* PyMemberDef */
    MEMBER_OBJECT = 6, MEMBER_OBJECT_EX = 16,                   /* T_OBJECT, T_OBJECT_EX */
    MEMBERS_MAX = 256, BASES_MAX = 64,
    SET_ENTRY_BYTES = 16,
    NAME_BYTES_MAX = 96,
    LOCALS_MAX = 1 << 16,
    INLINE_NAMES_MAX = 256,     /* values after an object are never more (SHARED_KEYS_MAX_SIZE) */
};

struct slot {
    struct pm_objects *objects;
    u64 address;                /* of the object */
    u64 at;                     /* of the word */
    const struct pm_layout_numbers *numbers;
    struct pm_object_type type; /* a copy: looking at other types moves the table */
    struct pm_buffer *out;
};

static bool is_field(const struct slot *slot, i32 offset)
{
    return offset != PM_LAYOUT_ABSENT && slot->at == slot->address + (u64)(i64)offset;
}

static bool say(const struct slot *slot, const char *text)
{
    pm_buffer_add_text(slot->out, text);
    return true;
}

/* Which element of an array the slot is; false: none. */
static bool index_in(const struct slot *slot, u64 start, u64 count, u64 *index)
{
    if (start == 0 || slot->at < start || (slot->at - start) % POINTER_BYTES != 0)
        return false;
    *index = (slot->at - start) / POINTER_BYTES;
    return *index < count;
}

static bool say_index(const struct slot *slot, u64 start, u64 count)
{
    u64 index;

    if (!index_in(slot, start, count, &index))
        return false;
    pm_buffer_add_char(slot->out, '[');
    pm_buffer_add_u64(slot->out, index);
    pm_buffer_add_char(slot->out, ']');
    return true;
}

/* Appends the text of a string object; false: it is none, or cannot be read. */
static bool add_string(const struct slot *slot, u64 string)
{
    struct pm_objects *objects = slot->objects;
    const struct pm_object_type *type;
    struct pm_object object;
    struct pm_buffer text;
    bool known;

    if (string == 0 || !pm_objects_at(objects, string, &object))
        return false;
    type = pm_object_type_find(objects, object.type);
    if (type->shape != PM_SHAPE_TEXT && type->shape != PM_SHAPE_BYTES)
        return false;
    pm_buffer_init(&text);
    known = pm_pystring_append(objects->layout, objects->reader, string, &text);
    if (known)
        pm_buffer_add_bytes(slot->out, text.bytes,
                            text.length < NAME_BYTES_MAX ? text.length : NAME_BYTES_MAX);
    pm_buffer_release(&text);
    return known;
}

/* What was written before is taken back when the name cannot be read. */
static bool say_named(const struct slot *slot, const char *before, u64 string, const char *after)
{
    size_t length = slot->out->length;

    pm_buffer_add_text(slot->out, before);
    if (!add_string(slot, string)) {
        slot->out->length = length;
        slot->out->bytes[length] = '\0';
        return false;
    }
    pm_buffer_add_text(slot->out, after);
    return true;
}

/* A key as it would stand between brackets; type name where there is no preview. */
static void add_key(const struct slot *slot, u64 key)
{
    struct pm_objects *objects = slot->objects;
    struct pm_object object;
    size_t before = slot->out->length;
    struct pm_string_id name;

    if (!pm_objects_at(objects, key, &object)) {
        pm_buffer_add_char(slot->out, '?');
        return;
    }
    pm_objects_preview(objects, &object, slot->out);
    if (slot->out->length > before)
        return;
    name = pm_objects_type_name(objects, object.type);
    pm_buffer_add_char(slot->out, '<');
    pm_buffer_add_text(slot->out, pm_strings_text(objects->strings, name));
    pm_buffer_add_char(slot->out, '>');
}

static bool say_item(const struct slot *slot, u64 key)
{
    if (key == 0)
        return false;
    pm_buffer_add_char(slot->out, '[');
    add_key(slot, key);
    pm_buffer_add_char(slot->out, ']');
    return true;
}

static bool name_in_dict(const struct slot *slot)
{
    struct pm_object_dict view;
    u64 index, place;

    if (!pm_object_dict_open(slot->objects, slot->address, &view))
        return false;
    if (view.values != 0 && index_in(slot, view.values, view.count, &index))
        return say_item(slot, pm_object_dict_key(slot->objects, &view, index));
    if (slot->at < view.entries || slot->at - view.entries >= view.count * view.entry_bytes)
        return false;
    index = (slot->at - view.entries) / view.entry_bytes;
    place = (slot->at - view.entries) % view.entry_bytes;
    if (place == view.value_at)
        return say_item(slot, pm_object_dict_key(slot->objects, &view, index));
    if (place != view.key_at)
        return false;
    pm_buffer_add_text(slot->out, " key ");
    add_key(slot, pm_object_dict_key(slot->objects, &view, index));
    return true;
}

static bool name_in_set(const struct slot *slot)
{
    u64 table = pm_object_word(slot->objects, slot->address, slot->numbers->set_table);
    u64 mask = pm_object_word(slot->objects, slot->address, slot->numbers->set_mask);

    if (table == 0 || slot->at < table || (slot->at - table) / SET_ENTRY_BYTES > mask
            || (slot->at - table) % SET_ENTRY_BYTES != (u64)slot->numbers->set_entry_key)
        return false;
    return say(slot, " element");
}

static bool name_in_type(const struct slot *slot)
{
    const struct pm_layout_numbers *at = slot->numbers;
    const struct {
        i32 offset;
        const char *name;
    } fields[] = {
        { at->type_dict, ".__dict__" }, { at->type_bases, ".__bases__" },
        { at->type_base, ".__base__" }, { at->type_mro, ".__mro__" },
        { at->type_cache, " cache" }, { at->type_subclasses, " subclasses" },
    };

    for (size_t i = 0; i < PM_ARRAY_LENGTH(fields); i++)
        if (is_field(slot, fields[i].offset))
            return say(slot, fields[i].name);
    return false;
}

static bool name_in_module(const struct slot *slot)
{
    if (is_field(slot, slot->numbers->module_dict))
        return say(slot, ".__dict__");
    if (is_field(slot, slot->numbers->module_name))
        return say(slot, ".__name__");
    return is_field(slot, slot->numbers->module_state) && say(slot, " state");
}

/* The item of a tuple that the code object keeps names in. */
static u64 name_of_local(const struct slot *slot, u64 code, i32 field, u64 index)
{
    u64 tuple = pm_object_word(slot->objects, code, field);

    if (tuple == 0 || index >= pm_object_word(slot->objects, tuple, slot->numbers->object_size))
        return 0;
    return pm_object_word(slot->objects, tuple + index * POINTER_BYTES, slot->numbers->tuple_items);
}

static bool name_local(const struct slot *slot, u64 frame)
{
    const struct pm_layout_numbers *at = slot->numbers;
    u64 code = pm_object_word(slot->objects, frame, at->frame_code);
    u64 index, skipped, cells, name;
    u32 count = 0;
    struct pm_object object;

    if (!index_in(slot, frame + (u64)at->frame_locals, LOCALS_MAX, &index))
        return false;
    code &= ~(u64)at->code_tag_bits;
    if (!pm_objects_at(slot->objects, code, &object))
        return false;
    if (at->code_free_names == PM_LAYOUT_ABSENT) {
        name = name_of_local(slot, code, at->code_local_names, index);
    } else {
        pm_reader_read_u32(slot->objects->reader, code + (u64)at->code_local_count, &count);
        skipped = pm_object_word(slot->objects, code, at->code_cell_names);
        cells = skipped == 0 ? 0 : pm_object_word(slot->objects, skipped, at->object_size);
        if (index < count)
            name = name_of_local(slot, code, at->code_local_names, index);
        else if (index - count < cells)
            name = name_of_local(slot, code, at->code_cell_names, index - count);
        else
            name = name_of_local(slot, code, at->code_free_names, index - count - cells);
    }
    if (name == 0)
        return say(slot, " evaluation stack");
    return say_named(slot, " local variable ", name, "");
}

static bool name_in_frame(const struct slot *slot)
{
    const struct pm_layout_numbers *at = slot->numbers;

    if (slot->objects->layout->frames == PM_FRAMES_OBJECTS)
        return name_local(slot, slot->address);
    return name_local(slot, pm_object_word(slot->objects, slot->address, at->frame_object_frame));
}

static bool name_in_shape(const struct slot *slot)
{
    const struct pm_layout_numbers *at = slot->numbers;
    u64 count = pm_object_word(slot->objects, slot->address, at->object_size);

    switch (slot->type.shape) {
    case PM_SHAPE_LIST:
        return say_index(slot, pm_object_word(slot->objects, slot->address, at->list_items), count);
    case PM_SHAPE_TUPLE:
        return say_index(slot, slot->address + (u64)at->tuple_items, count);
    case PM_SHAPE_DICT:
        return name_in_dict(slot);
    case PM_SHAPE_SET:
        return name_in_set(slot);
    case PM_SHAPE_TYPE:
        return name_in_type(slot);
    case PM_SHAPE_MODULE:
        return name_in_module(slot);
    case PM_SHAPE_CELL:
        return is_field(slot, at->cell_contents) && say(slot, ".cell_contents");
    case PM_SHAPE_FRAME:
        return name_in_frame(slot);
    case PM_SHAPE_GENERATOR:
        return slot->objects->layout->frames == PM_FRAMES_STRUCTS
               && name_local(slot, slot->address + (u64)at->generator_frame);
    default:
        return false;
    }
}

/* The pointers that a type's members describe: slots of classes, and what the interpreter's own
   types name themselves. */
static bool name_in_members(const struct slot *slot, u64 members)
{
    for (u64 i = 0; members != 0 && i < MEMBERS_MAX; i++) {
        u64 member = members + i * MEMBER_BYTES;
        char name[NAME_BYTES_MAX];
        u32 kind;
        u64 text = pm_object_word(slot->objects, member, 0);

        if (text == 0 || !pm_reader_read_u32(slot->objects->reader, member + MEMBER_TYPE, &kind))
            return false;
        if ((kind != MEMBER_OBJECT && kind != MEMBER_OBJECT_EX)
                || slot->at != slot->address + pm_object_word(slot->objects, member, MEMBER_OFFSET)
                || !pm_reader_read_text(slot->objects->reader, text, name, sizeof name))
            continue;
        pm_buffer_add_char(slot->out, '.');
        pm_buffer_add_text(slot->out, name);
        return true;
    }
    return false;
}

/* Where an offset that may count from the object's end lies (a dict after items, up to 3.11). */
static u64 place_of(const struct slot *slot, i64 offset)
{
    i64 count;
    u64 size;

    if (offset > 0)
        return slot->address + (u64)offset;
    count = (i64)pm_object_word(slot->objects, slot->address, slot->numbers->object_size);
    size = (u64)slot->type.basic_size + (u64)slot->type.item_size * (u64)(count < 0 ? -(u64)count : (u64)count);
    return slot->address + ((size + 7) & ~(u64)7) + (u64)offset;
}

/* Values that follow the object, or are in a block of their own, under the class's shared names. */
static bool name_in_values(const struct slot *slot, const struct pm_object_type *type)
{
    const struct pm_layout_numbers *at = slot->numbers;
    struct pm_object_dict view;
    u64 values = 0, index, word;

    if (pm_object_type_has(type, at->type_inline_values_bit)) {
        values = slot->address + (u64)type->basic_size + (u64)at->values_items;
    } else if (at->preheader_values != PM_LAYOUT_ABSENT) {
        word = pm_object_word(slot->objects, slot->address, at->preheader_values);
        if (word != 0 && (word & 1) == (u64)at->preheader_values_less)
            values = word + (u64)at->preheader_values_less + (u64)at->values_items;
    }
    return index_in(slot, values, INLINE_NAMES_MAX, &index)
           && pm_object_keys_open(slot->objects, type->cached_keys, &view)
           && say_named(slot, ".", pm_object_dict_key(slot->objects, &view, index), "");
}

static bool name_in_instance(const struct slot *slot)
{
    const struct pm_layout_numbers *at = slot->numbers;
    struct pm_object_type type = slot->type;
    bool managed = pm_object_type_has(&type, at->type_managed_dict_bit);

    if (managed && is_field(slot, at->preheader_dict))
        return say(slot, ".__dict__");
    if (pm_object_type_has(&type, at->type_managed_weakref_bit) && is_field(slot, at->preheader_weakrefs))
        return say(slot, ".__weakref__");
    if (managed && name_in_values(slot, &type))
        return true;
    for (int i = 0; i < BASES_MAX; i++) {
        const struct pm_object_type *base;
        if (name_in_members(slot, type.members))
            return true;
        if (type.base == 0 || (base = pm_object_type_find(slot->objects, type.base)) == NULL)
            break;
        type = *base;
    }
    type = slot->type;
    if (!managed && type.dict_offset != 0 && slot->at == place_of(slot, type.dict_offset))
        return say(slot, ".__dict__");
    return type.weaklist_offset > 0 && slot->at == slot->address + (u64)type.weaklist_offset
           && say(slot, ".__weakref__");
}

bool pm_objects_name_slot(struct pm_objects *objects, const struct pm_object *owner, u64 slot,
                          struct pm_buffer *out)
{
    const struct pm_object_type *type = pm_object_type_find(objects, owner->type);
    struct slot place = {
        .objects = objects, .address = owner->address, .at = slot,
        .numbers = &objects->layout->at, .out = out,
    };

    if (type == NULL)
        return false;
    place.type = *type;
    if (is_field(&place, place.numbers->object_type))
        return say(&place, ".ob_type");
    return name_in_shape(&place) || name_in_instance(&place);
}
