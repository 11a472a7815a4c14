/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpython/pm_births.h"

#include "cpython/pm_frame_values.h"
#include "cpython/pm_type_flags.h"

enum { WORD = sizeof(u64) };

void pm_birth_headers(const struct pm_layout *layout, u64 bytes[PM_BIRTH_HEADERS])
{
    const u64 gc_head = (u64)layout->at.gc_head_bytes, hook = layout->hook_prefix_bytes;

    bytes[0] = 0;
    bytes[1] = gc_head;
    bytes[2] = hook;
    bytes[3] = hook + gc_head;
}

/* The type of what is at object if the type of that type is a type of types; else 0. That tells
   objects from other things that begin with a count of 1: dict keys have odd small numbers in the
   place of the type (Objects/dictobject.c, struct _dictkeysobject), and the collector's count
   before an object is followed by a pointer to another object (Modules/gcmodule.c, PyGC_Head up
   to 3.7). */
static u64 type_of_object(const struct pm_layout *layout, struct pm_reader *reader, u64 object)
{
    const u64 offset = (u64)layout->at.object_type;
    u64 type, metatype, flags;

    return pm_reader_read_u64(reader, object + offset, &type) && type % WORD == 0
            && pm_reader_read_u64(reader, type + offset, &metatype) && metatype % WORD == 0
            && pm_reader_read_u64(reader, metatype + (u64)layout->at.type_flags, &flags)
            && pm_type_flag(flags, PM_TYPE_TYPE_BIT)
        ? type : 0;
}

/* Whether an object begins at store->object: behind a GC head if the collector tracks its type, else
   not. A block of many ints or floats (up to 3.2) has one of them in that place, too. */
static bool begins_there(const struct pm_layout *layout, const struct pm_birth_store *store, bool collected)
{
    const u64 header = store->object - store->block;
    const u64 gc_head = collected ? (u64)layout->at.gc_head_bytes : 0;

    return header == gc_head || header == layout->hook_prefix_bytes + gc_head;
}

/* Whether the store is the one by which dict_dealloc revives a dying dict while its watchers are told
   (Objects/dictobject.c, 3.12 and 3.13). It is near the beginning of the function that the type
   names as tp_dealloc. A dict is the only such object that goes to a free list afterwards. */
static bool revives_dict(const struct pm_layout *layout, struct pm_reader *reader, u64 type, u64 flags,
                         u64 instruction)
{
    enum { BEGINNING_BYTES = 128 };
    u64 dealloc;

    return instruction != 0 && pm_type_flag(flags, PM_TYPE_DICT_BIT)
        && pm_reader_read_u64(reader, type + (u64)layout->at.type_dealloc, &dealloc)
        && instruction - dealloc < BEGINNING_BYTES;
}

enum pm_birth pm_birth_judge(const struct pm_layout *layout, struct pm_reader *reader, u64 frame_type,
                             const struct pm_birth_store *store, u64 *type)
{
    u64 flags;

    if (pm_reader_read_u64(reader, store->object + (u64)layout->at.object_type, type) && *type != 0
            && *type == frame_type)
        return begins_there(layout, store, true) ? PM_BIRTH_FRAME : PM_BIRTH_NONE;
    *type = type_of_object(layout, reader, store->object);
    if (*type == 0)
        return PM_BIRTH_NO_OBJECT;
    return pm_reader_read_u64(reader, *type + (u64)layout->at.type_flags, &flags)
            && begins_there(layout, store, pm_type_flag(flags, PM_TYPE_GC_BIT))
            && !revives_dict(layout, reader, *type, flags, store->instruction)
        ? PM_BIRTH_OBJECT : PM_BIRTH_NONE;
}

bool pm_birth_unused_values(const struct pm_layout *layout, struct pm_reader *reader, u64 frame,
                            u64 block_end, u64 *first, u64 *end)
{
    return pm_frame_unused_values(layout, reader, frame, first, end) && *end <= block_end;
}
