/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What pm_object*.c share: an object as described by them, and what they know of an interpreter's
   types. pm_object.h has the functions. */
#ifndef PM_OBJECT_STATE_H
#define PM_OBJECT_STATE_H

#include "base/pm_map.h"
#include "base/pm_reader.h"
#include "base/pm_strings.h"
#include "base/pm_types.h"
#include "cpython/pm_layout.h"

struct pm_object {
    u64 address;            /* of the PyObject */
    u64 type;               /* ob_type */
    u32 offset;             /* from the block's start to the object: debug hook's prefix,
                               pre-header (3.11+: managed dict and weak references), GC head */
    u32 collector_from, collector_to;   /* offsets in the block of the collector's links; equal: none */
    bool linked;            /* the collector's list has it, and a neighbour in the list confirms that */
    bool free_link;         /* it waits in a free list: its first word is the next one's address (3.14+) */
    bool immortal;          /* it never dies (3.12+), and its count means nothing */
    bool interned;          /* a string that the interpreter interned */
    bool opaque;            /* it holds no references: exactly str, bytes, int, float ... */
    u64 references;         /* ob_refcnt */
    u64 kept_references;    /* how many of these the interpreter took for ever and stores nowhere */
};

struct pm_object_type;      /* what is known of a type: pm_object_type.h */

struct pm_objects {
    struct pm_reader *reader;
    struct pm_strings *strings;
    const struct pm_layout *layout;
    u64 metatype;           /* &PyType_Type */
    struct pm_map types;    /* type address -> index of types_seen + 1, 0: no type */
    struct pm_object_type *types_seen;
    u32 types_count, types_capacity;
};

/* A word of an object; 0 if it cannot be read. */
static inline u64 pm_object_word(struct pm_objects *objects, u64 address, i32 offset)
{
    u64 word;
    return pm_reader_read_u64(objects->reader, address + (u64)(i64)offset, &word) ? word : 0;
}

#endif
