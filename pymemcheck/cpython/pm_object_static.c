/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A static object is found by its type: a word that points to a type that we know, where that type would
   stand in an object whose every field fits. What is hidden begins behind the fields and ends where the
   object says it ends. */
#include "cpython/pm_object_static.h"

#include "cpython/pm_object_type.h"

enum {
    WORD = 8,
    LONG_COUNT_SHIFT = 3,               /* of lv_tag, 3.12+: _PyLong_NON_SIZE_BITS */
    CODE_UNIT_BYTES = 2,                /* _Py_CODEUNIT */
    COUNTED_BITS = 64,                  /* of the count where no object is immortal by a mark */
    MANY_REFERENCES = 500000000,
    MAX_ITEMS = 1 << 24,                /* a larger object is none, in static memory */
};

struct extent {
    u64 start, end;
};

static u64 count_of(struct pm_objects *objects, u64 address)
{
    i64 count = (i64)pm_object_word(objects, address, objects->layout->at.object_size);
    return count < 0 ? 0 - (u64)count : (u64)count;
}

static u64 long_count(struct pm_objects *objects, u64 address)
{
    const struct pm_layout_numbers *at = &objects->layout->at;

    return at->long_tag == PM_LAYOUT_ABSENT ? count_of(objects, address)
        : pm_object_word(objects, address, at->long_tag) >> LONG_COUNT_SHIFT;
}

/* Only compact text, whose characters stand in the object. */
static bool text_extent(struct pm_objects *objects, u64 address, struct extent *extent)
{
    const struct pm_layout_numbers *at = &objects->layout->at;
    u64 length = pm_object_word(objects, address, at->unicode_length), width, data;
    u32 state;

    if (!pm_reader_read_u32(objects->reader, address + (u64)at->unicode_state, &state)
            || ((state >> at->unicode_compact_shift) & 1) == 0 || length > MAX_ITEMS)
        return false;
    const bool ascii = ((state >> at->unicode_ascii_shift) & 1) != 0;
    width = (state >> at->unicode_kind_shift) & 7;
    if (width != 1 && width != 2 && width != 4)
        return false;
    data = (u64)(ascii ? at->unicode_ascii_data : at->unicode_compact_data);
    *extent = (struct extent){ address + data, address + data + (length + 1) * width };
    return true;
}

/* Of the object at address, whose type is of this shape, what holds no references. */
static bool find_extent(struct pm_objects *objects, const struct pm_object_type *type, u64 address,
                        struct extent *extent)
{
    const struct pm_layout_numbers *at = &objects->layout->at;
    const u64 behind_type = address + (u64)at->object_type + WORD;
    u64 count, data;

    switch (type->shape) {
    case PM_SHAPE_BYTES:
        count = pm_object_word(objects, address, at->bytes_length);
        *extent = (struct extent){ behind_type, address + (u64)at->bytes_data + count + 1 };
        break;
    case PM_SHAPE_LONG:
        count = long_count(objects, address);
        *extent = (struct extent){ behind_type,
                                   address + (u64)at->long_digits + count * sizeof(u32) };
        break;
    case PM_SHAPE_CODE:
        if (at->code_instructions == PM_LAYOUT_ABSENT)
            return false;
        count = count_of(objects, address);
        data = (u64)at->code_instructions;
        *extent = (struct extent){ address + data, address + data + count * CODE_UNIT_BYTES };
        break;
    case PM_SHAPE_FLOAT:
        count = 1;
        *extent = (struct extent){ behind_type, address + (u64)type->basic_size };
        break;
    case PM_SHAPE_TYPE:
        count = 1;
        *extent = (struct extent){ address + (u64)at->type_flags, address + (u64)at->type_flags + WORD };
        break;
    case PM_SHAPE_TEXT:
        return type->exact && text_extent(objects, address, extent);
    default:
        return false;
    }
    return type->exact && count <= MAX_ITEMS;
}

/* Many words point to types and stand in no object: cached attributes, and from 3.12 on what the interpreter
   keeps of each static type (static_builtin_state, Include/internal/pycore_typeobject.h). So a type must be
   one itself, and other static objects must be immortal: by a mark from 3.12 on, in 3.11 by a count of about
   999,999,999 (_PyObject_IMMORTAL_REFCNT, Include/internal/pycore_object.h). Before, there are none. */
static bool is_static(struct pm_objects *objects, const struct pm_object *object, enum pm_shape shape)
{
    if (shape == PM_SHAPE_TYPE)
        return pm_object_type_find(objects, object->address) != NULL;
    return objects->layout->at.object_refcount_bits == COUNTED_BITS
        ? object->references >= MANY_REFERENCES : object->immortal;
}

void pm_objects_each_static(struct pm_objects *objects, u64 low, u64 high, u64 types_low, u64 types_high,
                            const struct pm_object_static_visitor *visitor)
{
    const u64 offset = (u64)objects->layout->at.object_type;
    struct extent extent;
    struct pm_object object;
    u64 word;

    for (u64 at = low; at < high; at += WORD) {
        if (!pm_reader_read_u64(objects->reader, at, &word) || word < types_low || word >= types_high
                || word % WORD != 0)
            continue;
        const struct pm_object_type *found = pm_object_type_find(objects, word);
        if (found == NULL || at - low < offset || !pm_objects_at(objects, at - offset, &object))
            continue;
        const struct pm_object_type type = *found;
        if (!is_static(objects, &object, type.shape) || !find_extent(objects, &type, at - offset, &extent)
                || extent.end > high)
            continue;
        /* Words of text and objects overlap: only whole words between the fields and the end. */
        extent.start &= ~(u64)(WORD - 1);
        extent.end = (extent.end + WORD - 1) & ~(u64)(WORD - 1);
        if (extent.start <= at)
            extent.start = at + WORD;
        if (extent.start >= extent.end)
            continue;
        visitor->hide(visitor->context, extent.start, extent.end);
        at = extent.end - WORD;
    }
}
