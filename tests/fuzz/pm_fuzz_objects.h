/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the target "objects" says of an object and of the items of a tuple. capture.c runs the same
   code inside an interpreter, so that a seed has all memory that it reads. */
#ifndef PM_FUZZ_OBJECTS_H
#define PM_FUZZ_OBJECTS_H

#include <string.h>

#include "base/pm_buffer.h"
#include "cpython/pm_object.h"

enum {
    PM_FUZZ_WORD = 8,
    PM_FUZZ_WORDS_BEFORE = 4, PM_FUZZ_WORDS_BEHIND = 72,    /* of an object that are asked about */
    PM_FUZZ_PART_WORDS = 24, PM_FUZZ_PARTS = 4, PM_FUZZ_ITEMS = 16,
};

/* Names that do not depend on the version: of items, elements, local variables, and attributes that
   the seeds' own classes have. */
static inline bool pm_fuzz_is_told(const char *name)
{
    static const char *const beginnings[] = { "[", " key ", " element", " local variable ", ".pm_" };

    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++)
        if (strncmp(name, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    return false;
}

/* own: whether the words lie around the object; those of a part that does, too, are left out. Words
   that are not told are not read, so that seeds stay small. */
static inline void pm_fuzz_describe_words(struct pm_objects *objects, const struct pm_object *object,
                                          u64 first, u64 count, bool own, struct pm_buffer *out)
{
    const u64 around = object->address - PM_FUZZ_WORDS_BEFORE * PM_FUZZ_WORD;
    struct pm_buffer name;
    u64 word;

    pm_buffer_init(&name);
    for (u64 i = 0; i < count; i++) {
        u64 address = first + i * PM_FUZZ_WORD;
        if (!own && address - around < (PM_FUZZ_WORDS_BEFORE + PM_FUZZ_WORDS_BEHIND) * PM_FUZZ_WORD)
            continue;
        pm_buffer_clear(&name);
        if (!pm_objects_name_field(objects, object, address, &name) || !pm_fuzz_is_told(name.bytes)
                || !pm_reader_read_u64(objects->reader, address, &word) || word == 0)
            continue;
        pm_buffer_add_char(out, '\t');
        pm_buffer_add_bytes(out, name.bytes, name.length);
    }
    pm_buffer_release(&name);
}

/* Type, preview, whether the collector tracks it, and the names of its words: one line. */
static inline void pm_fuzz_describe_object(struct pm_objects *objects, const struct pm_object *object,
                                           struct pm_buffer *out)
{
    struct pm_string_id name = pm_objects_type_name(objects, object->type);
    u64 parts[PM_FUZZ_PARTS];
    u32 count = pm_objects_parts(objects, object, parts, PM_FUZZ_PARTS);

    pm_buffer_add_bytes(out, pm_strings_text(objects->strings, name), pm_strings_length(objects->strings, name));
    pm_buffer_add_char(out, '\t');
    pm_objects_preview(objects, object, out);
    if (object->linked && !pm_objects_is_type(objects, object))
        pm_buffer_add_text(out, "\ttracked");
    pm_fuzz_describe_words(objects, object, object->address - PM_FUZZ_WORDS_BEFORE * PM_FUZZ_WORD,
                           PM_FUZZ_WORDS_BEFORE + PM_FUZZ_WORDS_BEHIND, true, out);
    for (u32 i = 0; i < count; i++)
        pm_fuzz_describe_words(objects, object, (parts[i] + PM_FUZZ_WORD - 1) & ~(u64)(PM_FUZZ_WORD - 1),
                               PM_FUZZ_PART_WORDS, false, out);
    pm_buffer_add_char(out, '\n');
}

/* The tuple in the block of bytes at block, and each of its items. */
static inline void pm_fuzz_describe_objects(const struct pm_interpreter *interpreter, struct pm_reader *reader,
                                            u64 block, u64 bytes, struct pm_buffer *out)
{
    struct pm_strings strings;
    struct pm_objects objects;
    struct pm_object tuple, item;
    u64 count = 0, address;

    pm_strings_init(&strings);
    if (pm_objects_init(&objects, reader, &strings, interpreter)
            && pm_objects_identify(&objects, block, bytes, 0, &tuple)) {
        const struct pm_layout_numbers *at = &interpreter->layout->at;
        pm_fuzz_describe_object(&objects, &tuple, out);
        pm_reader_read_u64(reader, tuple.address + (u64)at->object_size, &count);
        for (u64 i = 0; i < count && i < PM_FUZZ_ITEMS; i++)
            if (pm_reader_read_u64(reader, tuple.address + (u64)at->tuple_items + i * PM_FUZZ_WORD, &address)
                    && pm_objects_at(&objects, address, &item))
                pm_fuzz_describe_object(&objects, &item, out);
            else
                pm_buffer_add_text(out, "no object\n");
    } else {
        pm_buffer_add_text(out, "refused");
    }
    pm_objects_release(&objects);
    pm_strings_release(&strings);
}

#endif
