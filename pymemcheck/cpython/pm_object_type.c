/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpython/pm_object_type.h"

#include "base/pm_platform.h"

enum {
    TYPE_BYTES_MAX = 1024,      /* type_bytes in any row, and the word of the cached keys */
    SIZE_MAX_PLAUSIBLE = 1 << 24,
    DEPTH_MAX = 64,             /* of the chain of bases and metatypes of one type */
};

/* Shapes by a bit of tp_flags. */
static const struct {
    int bit;
    enum pm_shape shape, shape_with_byte_strings;   /* the latter in PM_STRING_BYTES */
} flagged[] = {
    { PM_TYPE_INT_BIT, PM_SHAPE_OTHER, PM_SHAPE_INT },
    { PM_TYPE_LONG_BIT, PM_SHAPE_LONG, PM_SHAPE_LONG },
    { PM_TYPE_LIST_BIT, PM_SHAPE_LIST, PM_SHAPE_LIST },
    { PM_TYPE_TUPLE_BIT, PM_SHAPE_TUPLE, PM_SHAPE_TUPLE },
    { PM_TYPE_BYTES_BIT, PM_SHAPE_BYTES, PM_SHAPE_BYTES },
    { PM_TYPE_TEXT_BIT, PM_SHAPE_TEXT, PM_SHAPE_WIDE },
    { PM_TYPE_DICT_BIT, PM_SHAPE_DICT, PM_SHAPE_DICT },
    { PM_TYPE_TYPE_BIT, PM_SHAPE_TYPE, PM_SHAPE_TYPE },
};

/* Other shapes, by the name of a type in static memory. */
static const struct {
    const char *name;
    enum pm_shape shape;
} named[] = {
    { "float", PM_SHAPE_FLOAT },
    { "complex", PM_SHAPE_COMPLEX },
    { "bytearray", PM_SHAPE_BYTE_ARRAY },
    { "set", PM_SHAPE_SET },
    { "frozenset", PM_SHAPE_SET },
    { "frozendict", PM_SHAPE_DICT },
    { "module", PM_SHAPE_MODULE },
    { "PyCapsule", PM_SHAPE_CAPSULE },
    { "function", PM_SHAPE_FUNCTION },
    { "builtin_function_or_method", PM_SHAPE_BUILTIN },
    { "cell", PM_SHAPE_CELL },
    { "code", PM_SHAPE_CODE },
    { "frame", PM_SHAPE_FRAME },
    { "weakref", PM_SHAPE_WEAK_REFERENCE },
    { "weakref.ReferenceType", PM_SHAPE_WEAK_REFERENCE },
    { "weakproxy", PM_SHAPE_WEAK_REFERENCE },
    { "weakref.ProxyType", PM_SHAPE_WEAK_REFERENCE },
    { "weakcallableproxy", PM_SHAPE_WEAK_REFERENCE },
    { "weakref.CallableProxyType", PM_SHAPE_WEAK_REFERENCE },
    { "generator", PM_SHAPE_GENERATOR },
    { "coroutine", PM_SHAPE_GENERATOR },
    { "async_generator", PM_SHAPE_GENERATOR },
    { "collections.deque", PM_SHAPE_DEQUE },
    { "datetime.datetime", PM_SHAPE_MOMENT },
    { "datetime.time", PM_SHAPE_MOMENT },
};

static u64 find(struct pm_objects *objects, u64 address, unsigned depth);

static bool plausible_name(const char *name)
{
    for (; *name != '\0'; name++)
        if ((u8)*name < ' ' || *name == 0x7f)
            return false;
    return true;
}

static enum pm_shape own_shape(const struct pm_objects *objects, const struct pm_object_type *type,
                               const char *name)
{
    bool byte_strings = objects->layout->strings == PM_STRING_BYTES;

    for (size_t i = 0; i < PM_ARRAY_LENGTH(flagged); i++)
        if (pm_type_flag(type->flags, flagged[i].bit)) {
            enum pm_shape shape = byte_strings ? flagged[i].shape_with_byte_strings
                                               : flagged[i].shape;
            if (shape != PM_SHAPE_OTHER)
                return shape;
        }
    if (pm_object_type_has(type, PM_TYPE_HEAP_BIT))
        return PM_SHAPE_OTHER;
    for (size_t i = 0; i < PM_ARRAY_LENGTH(named); i++)
        if (pm_text_equal(name, named[i].name))
            return named[i].shape;
    return PM_SHAPE_OTHER;
}

static void choose_shape(struct pm_objects *objects, struct pm_object_type *type, const char *name,
                         unsigned depth)
{
    u64 base = type->base == 0 || type->base == type->address ? 0
               : find(objects, type->base, depth + 1);
    enum pm_shape inherited = base == 0 ? PM_SHAPE_OTHER : objects->types_seen[base - 1].shape;

    if (inherited == PM_SHAPE_OTHER) {
        type->shape = own_shape(objects, type, name);
        type->exact = true;
    } else if ((inherited == PM_SHAPE_LONG || inherited == PM_SHAPE_INT)
                   && !pm_object_type_has(type, PM_TYPE_HEAP_BIT) && pm_text_equal(name, "bool")) {
        type->shape = PM_SHAPE_BOOL;
        type->exact = true;
    } else {
        type->shape = inherited;
        type->exact = false;
    }
}

/* Whether metatype is PyType_Type or a subclass of it. */
static bool check_metatype(struct pm_objects *objects, u64 metatype, unsigned depth)
{
    u64 found;

    if (metatype == objects->metatype)
        return true;
    found = find(objects, metatype, depth + 1);
    return found != 0 && objects->types_seen[found - 1].shape == PM_SHAPE_TYPE;
}

static bool plausible_size(i64 size)
{
    return 0 <= size && size <= SIZE_MAX_PLAUSIBLE;
}

/* Finalization removes even the name of a struct sequence's type in static memory
   (_PyStructSequence_FiniBuiltin, Objects/structseq.c, 3.11 and later). */
static bool is_undone_sequence(const struct pm_object_type *type)
{
    return type->tp_name == 0 && pm_object_type_has(type, PM_TYPE_TUPLE_BIT)
           && !pm_object_type_has(type, PM_TYPE_HEAP_BIT)
           && !pm_object_type_has(type, PM_TYPE_READY_BIT);
}

static bool read_type(struct pm_objects *objects, u64 address, struct pm_object_type *type,
                      char *name, unsigned depth)
{
    const struct pm_layout_numbers *at = &objects->layout->at;
    u8 block[TYPE_BYTES_MAX];

    PM_ASSERT(at->type_bytes <= TYPE_BYTES_MAX);
    if (address % 8 != 0
            || !pm_reader_read(objects->reader, address, block, (size_t)at->type_bytes))
        return false;
    *type = (struct pm_object_type){
        .address = address,
        .flags = pm_layout_u64(block, at->type_flags),
        .base = pm_layout_u64(block, at->type_base),
        .members = pm_layout_u64(block, at->type_members),
        .tp_name = pm_layout_u64(block, at->type_name),
        .basic_size = (i64)pm_layout_u64(block, at->type_basic_size),
        .item_size = (i64)pm_layout_u64(block, at->type_item_size),
        .dict_offset = (i64)pm_layout_u64(block, at->type_dict_offset),
        .weaklist_offset = (i64)pm_layout_u64(block, at->type_weaklist_offset),
    };
    if (!plausible_size(type->basic_size) || type->basic_size < at->object_bytes
            || !plausible_size(type->item_size))
        return false;
    /* Finalization clears the ready bit of types in static memory (_PyStaticType_Dealloc, 3.11 and later),
       though instances may be left. */
    if (pm_object_type_has(type, PM_TYPE_HEAP_BIT) && !pm_object_type_has(type, PM_TYPE_READY_BIT))
        return false;
    name[0] = '\0';
    return (is_undone_sequence(type)
            || (pm_reader_read_text(objects->reader, type->tp_name, name, PM_TYPE_NAME_BYTES)
                && plausible_name(name)))
           && check_metatype(objects, pm_layout_u64(block, at->object_type), depth);
}

static u64 remember(struct pm_objects *objects, const struct pm_object_type *type)
{
    if (objects->types_count == objects->types_capacity) {
        objects->types_capacity = objects->types_capacity == 0 ? 64 : objects->types_capacity * 2;
        objects->types_seen = pm_realloc("cpython.objects.types", objects->types_seen,
                                         objects->types_capacity * sizeof *objects->types_seen);
    }
    objects->types_seen[objects->types_count++] = *type;
    pm_map_put(&objects->types, type->address, objects->types_count);
    return objects->types_count;
}

/* Index of the type in types_seen, plus 1; 0: no type. */
static u64 find(struct pm_objects *objects, u64 address, unsigned depth)
{
    const struct pm_layout_numbers *at = &objects->layout->at;
    const u64 *known = pm_map_get(&objects->types, address);
    struct pm_object_type type;
    char name[PM_TYPE_NAME_BYTES];

    if (known != NULL)
        return *known;
    if (depth > DEPTH_MAX)
        return 0;
    /* Until it is known to be one, it is none: bases that go in a circle end here. What is none
       is not remembered, since any word may be asked for. */
    pm_map_put(&objects->types, address, 0);
    if (!read_type(objects, address, &type, name, depth)) {
        pm_map_remove(&objects->types, address);
        return 0;
    }
    choose_shape(objects, &type, name, depth);
    if (pm_object_type_has(&type, PM_TYPE_HEAP_BIT) && at->type_cached_keys != PM_LAYOUT_ABSENT)
        type.cached_keys = pm_object_word(objects, address, at->type_cached_keys);
    return remember(objects, &type);
}

const struct pm_object_type *pm_object_type_find(struct pm_objects *objects, u64 address)
{
    u64 found = find(objects, address, 0);

    return found == 0 ? NULL : &objects->types_seen[found - 1];
}

u32 pm_object_type_header(const struct pm_objects *objects, const struct pm_object_type *type,
                          bool gc)
{
    const struct pm_layout_numbers *at = &objects->layout->at;
    u32 bytes = gc ? (u32)at->gc_head_bytes : 0;

    if (pm_object_type_has(type, at->type_managed_dict_bit)
            || pm_object_type_has(type, at->type_managed_weakref_bit))
        bytes += (u32)at->preheader_bytes;
    return bytes;
}

void pm_object_type_set_name(struct pm_objects *objects, u64 address, struct pm_string_id name)
{
    u64 found = find(objects, address, 0);

    PM_ASSERT(found != 0);
    objects->types_seen[found - 1].named = true;
    objects->types_seen[found - 1].name = name;
}

void pm_object_types_init(struct pm_objects *objects)
{
    pm_map_init(&objects->types);
    objects->types_seen = NULL;
    objects->types_count = objects->types_capacity = 0;
}

void pm_object_types_release(struct pm_objects *objects)
{
    pm_map_release(&objects->types);
    pm_free(objects->types_seen);
    objects->types_seen = NULL;
    objects->types_count = objects->types_capacity = 0;
}
