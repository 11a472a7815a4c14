/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Types of Python objects, for pm_object*.c only: whether memory holds a type, and what its instances look
   like. Each type is read once (one read of its struct), with its base and its own type, and then
   remembered.

   Sources: Include/cpython/object.h (2.7: object.h) and Objects/typeobject.c, 2.7 and 3.6 to 3.15. */
#ifndef PM_OBJECT_TYPE_H
#define PM_OBJECT_TYPE_H

#include "cpython/pm_layout.h"
#include "cpython/pm_object_state.h"
#include "cpython/pm_type_flags.h"

/* The known struct that an instance begins with. */
enum pm_shape {
    PM_SHAPE_OTHER,
    PM_SHAPE_BYTES,         /* bytes; str of 2.7 */
    PM_SHAPE_TEXT,          /* str */
    PM_SHAPE_WIDE,          /* unicode of 2.7 */
    PM_SHAPE_LONG,          /* int; long of 2.7 */
    PM_SHAPE_INT,           /* int of 2.7 */
    PM_SHAPE_BOOL,
    PM_SHAPE_FLOAT,
    PM_SHAPE_COMPLEX,
    PM_SHAPE_BYTE_ARRAY,
    PM_SHAPE_LIST,
    PM_SHAPE_TUPLE,
    PM_SHAPE_DICT,          /* dict, and 3.15's frozendict */
    PM_SHAPE_SET,           /* set and frozenset */
    PM_SHAPE_TYPE,
    PM_SHAPE_MODULE,
    PM_SHAPE_CAPSULE,       /* PyCapsule */
    PM_SHAPE_FUNCTION,
    PM_SHAPE_BUILTIN,       /* builtin_function_or_method */
    PM_SHAPE_CELL,
    PM_SHAPE_CODE,
    PM_SHAPE_FRAME,
    PM_SHAPE_WEAK_REFERENCE,    /* weakref.ref and proxies */
    PM_SHAPE_GENERATOR,     /* generator, coroutine, async_generator */
    PM_SHAPE_DEQUE,         /* collections.deque up to 3.11 */
    PM_SHAPE_MOMENT,        /* datetime.datetime and datetime.time: Include/datetime.h */
};

/* A longer name is cut; with the NUL. */
enum { PM_TYPE_NAME_BYTES = 256 };

struct pm_object_type {
    u64 address;
    u64 flags;              /* tp_flags */
    u64 base;               /* tp_base, 0: none */
    u64 members;            /* tp_members, 0: none */
    u64 cached_keys;        /* ht_cached_keys of a type made at run time; 0: none */
    u64 tp_name;
    i64 basic_size, item_size, dict_offset, weaklist_offset;
    enum pm_shape shape;
    bool exact;             /* the type that the shape is named after, not a subclass */
    bool named;             /* name is set */
    struct pm_string_id name;
};

/* The type at address, or NULL: there is none. Valid until the next call. */
const struct pm_object_type *pm_object_type_find(struct pm_objects *objects, u64 address);

static inline bool pm_object_type_has(const struct pm_object_type *type, i32 bit)
{
    return pm_type_flag(type->flags, bit);
}

/* Bytes before an instance that belong to its block: pre-header and GC head. gc: the instance has a GC head
   (types in static memory have none). */
u32 pm_object_type_header(const struct pm_objects *objects, const struct pm_object_type *type,
                          bool gc);

/* Remembers name as the name of the type at address, which pm_object_type_find has found. */
void pm_object_type_set_name(struct pm_objects *objects, u64 address, struct pm_string_id name);

/* Forgets all types, and starts with none. */
void pm_object_types_init(struct pm_objects *objects);
void pm_object_types_release(struct pm_objects *objects);

#endif
