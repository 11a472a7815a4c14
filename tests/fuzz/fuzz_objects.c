/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The readers of objects, types, births and thread states, on pieces of an interpreter's memory. */
#include "pm_fuzz.h"

#include <string.h>

#include "cpython/pm_births.h"
#include "cpython/pm_object.h"
#include "cpython/pm_threads.h"
#include "pm_fuzz_objects.h"

enum {
    TEXT_BYTES_MAX = 400,       /* of a preview, whose columns are limited */
    NAME_BYTES_MAX = 1000,      /* of the name of a word: at most two previews */
    TYPES_A_WORD = 2,           /* types remembered for each word of the input */
    TRAVERSALS = 8, DEAD_PARTS = 64, DEQUE_BLOCKS_MAX = 64,
};

/* The block's size and whether a debug hook padded it, from the head's frames. */
#define HOOKED ((u64)1 << 63)

static u64 block_bytes(const struct pm_fuzz_image *image)
{
    return image->head.frames & ~HOOKED;
}

static struct pm_interpreter interpreter_of(const struct pm_fuzz_image *image)
{
    return (struct pm_interpreter){
        .layout = image->layout, .code_type = image->head.code_type, .runtime = image->head.version_text,
    };
}

static void expect_text(const struct pm_buffer *text, size_t limit)
{
    PM_FUZZ_EXPECT(text->length <= limit && text->bytes[text->length] == '\0');
    PM_FUZZ_EXPECT(pm_fuzz_is_text(text->bytes, text->length));
}

static void try_words(struct pm_objects *objects, const struct pm_object *object, u64 first, u64 count)
{
    static const char before[] = "before";
    struct pm_buffer name;

    pm_buffer_init(&name);
    for (u64 i = 0; i < count; i++) {
        pm_buffer_clear(&name);
        pm_buffer_add_text(&name, before);
        bool named = pm_objects_name_field(objects, object, first + i * PM_FUZZ_WORD, &name);
        PM_FUZZ_EXPECT(named == (name.length > strlen(before)));
        PM_FUZZ_EXPECT(memcmp(name.bytes, before, strlen(before)) == 0 && name.bytes[name.length] == '\0');
        PM_FUZZ_EXPECT(name.length <= NAME_BYTES_MAX);
    }
    pm_buffer_release(&name);
}

static void try_parts(struct pm_objects *objects, const struct pm_object *object)
{
    u64 parts[PM_FUZZ_PARTS], fewer[1];
    u32 count = pm_objects_parts(objects, object, parts, PM_FUZZ_PARTS);
    u64 block = 0;

    PM_FUZZ_EXPECT(count <= PM_FUZZ_PARTS);
    PM_FUZZ_EXPECT(pm_objects_parts(objects, object, fewer, 1) <= 1);
    for (u32 i = 0; i < count; i++) {
        PM_FUZZ_EXPECT(parts[i] != 0);
        try_words(objects, object, parts[i], PM_FUZZ_PART_WORDS);
        pm_objects_are_idle_keys(objects, parts[i], block_bytes((const struct pm_fuzz_image *)objects->reader->context));
    }
    for (unsigned i = 0; i < DEQUE_BLOCKS_MAX; i++) {
        block = pm_objects_deque_block(objects, object, block);
        if (block == 0)
            break;
        PM_FUZZ_EXPECT(pm_objects_deque_block_bytes(objects) != 0);
    }
}

static void try_weak_words(struct pm_objects *objects, const struct pm_object *object)
{
    struct pm_object_words words[PM_OBJECT_WEAK_WORDS_MAX];
    u32 count = pm_objects_weak_words(objects, object, words, PM_OBJECT_WEAK_WORDS_MAX);

    PM_FUZZ_EXPECT(count <= PM_OBJECT_WEAK_WORDS_MAX);
    for (u32 i = 0; i < count; i++)
        PM_FUZZ_EXPECT(words[i].first < words[i].end && words[i].stride >= PM_FUZZ_WORD);
    PM_FUZZ_EXPECT(pm_objects_weak_words(objects, object, words, 1) <= 1);
}

static void try_object(struct pm_objects *objects, const struct pm_object *object)
{
    u64 functions[TRAVERSALS];
    struct pm_buffer text, again;

    PM_FUZZ_EXPECT(!object->free_link || object->references == 0);
    pm_buffer_init(&text);
    pm_buffer_init(&again);
    pm_objects_preview(objects, object, &text);
    pm_objects_preview(objects, object, &again);
    expect_text(&text, TEXT_BYTES_MAX);
    PM_FUZZ_EXPECT(text.length == again.length && memcmp(text.bytes, again.bytes, text.length) == 0);
    PM_FUZZ_EXPECT(pm_objects_type_name(objects, object->type).v
                   == pm_objects_type_name(objects, object->type).v);
    try_words(objects, object, object->address - PM_FUZZ_WORDS_BEFORE * PM_FUZZ_WORD,
              PM_FUZZ_WORDS_BEFORE + PM_FUZZ_WORDS_BEHIND);
    try_parts(objects, object);
    try_weak_words(objects, object);
    PM_FUZZ_EXPECT(pm_objects_traversals(objects, object->type, functions, TRAVERSALS) <= TRAVERSALS);
    if (pm_objects_is_type(objects, object))
        pm_objects_type_name(objects, object->address);
    pm_buffer_release(&text);
    pm_buffer_release(&again);
}

static void try_birth(struct pm_fuzz_image *image, u64 object, u64 block, u64 bytes)
{
    const struct pm_birth_store store = { .object = object, .block = block, .instruction = image->head.object };
    u64 type, first, end;
    enum pm_birth birth = pm_birth_judge(image->layout, &image->reader, image->head.code_type, &store, &type);

    PM_FUZZ_EXPECT(birth == PM_BIRTH_NONE || (birth == PM_BIRTH_NO_OBJECT) == (type == 0));
    PM_FUZZ_EXPECT(birth != PM_BIRTH_FRAME || type == image->head.code_type);
    /* The words are written to. */
    if (block + bytes > block
            && pm_birth_unused_values(image->layout, &image->reader, object, block + bytes, &first, &end))
        PM_FUZZ_EXPECT(object <= first && first < end && end <= block + bytes
                       && first % PM_FUZZ_WORD == 0);
}

static void try_threads(struct pm_fuzz_image *image, const struct pm_interpreter *interpreter)
{
    struct pm_dead_data parts[DEAD_PARTS];
    u32 count = pm_threads_dead_data(interpreter, &image->reader, parts, DEAD_PARTS);

    PM_FUZZ_EXPECT(count <= DEAD_PARTS);
    for (u32 i = 0; i < count; i++)
        PM_FUZZ_EXPECT(parts[i].start < parts[i].end && parts[i].start % PM_FUZZ_WORD == 0);
    pm_threads_is_raising(interpreter, &image->reader, image->head.object);
}

static void try_block(struct pm_fuzz_image *image, struct pm_objects *objects)
{
    const u64 block = image->head.object, bytes = block_bytes(image);
    const u64 hook = image->head.frames & HOOKED ? image->layout->hook_prefix_bytes : 0;
    struct pm_object object;
    u64 word;

    if (pm_objects_identify(objects, block, bytes, hook, &object)) {
        PM_FUZZ_EXPECT(object.address == block + object.offset && object.offset >= hook);
        PM_FUZZ_EXPECT(object.offset < bytes && object.address % PM_FUZZ_WORD == 0);
        PM_FUZZ_EXPECT(object.collector_from <= object.collector_to && object.collector_to <= object.offset);
        try_object(objects, &object);
    }
    pm_objects_are_idle_keys(objects, block, bytes);
    for (u64 i = 0; i < PM_FUZZ_WORDS_BEHIND; i++) {
        try_birth(image, block + i * PM_FUZZ_WORD, block, bytes);
        if (pm_reader_read_u64(&image->reader, block + i * PM_FUZZ_WORD, &word)
                && pm_objects_at(objects, word, &object))
            try_object(objects, &object);
    }
}

static void attempt(const u8 *data, size_t size)
{
    struct pm_fuzz_image image;

    if (pm_fuzz_image_init(&image, data, size)) {
        const struct pm_interpreter interpreter = interpreter_of(&image);
        struct pm_strings strings;
        struct pm_objects objects;

        pm_strings_init(&strings);
        if (pm_objects_init(&objects, &image.reader, &strings, &interpreter))
            try_block(&image, &objects);
        /* A type needs memory of its own. */
        PM_FUZZ_EXPECT(objects.types_count <= TYPES_A_WORD * (size / PM_FUZZ_WORD + 1));
        pm_objects_release(&objects);
        pm_strings_release(&strings);
        try_threads(&image, &interpreter);
    }
    pm_fuzz_image_release(&image);
}

static void describe(const u8 *data, size_t size, struct pm_buffer *out)
{
    struct pm_fuzz_image image;

    if (pm_fuzz_image_init(&image, data, size)) {
        const struct pm_interpreter interpreter = interpreter_of(&image);
        pm_fuzz_describe_objects(&interpreter, &image.reader, image.head.object, block_bytes(&image), out);
    } else {
        pm_buffer_add_text(out, "refused");
    }
    pm_fuzz_image_release(&image);
}

const struct pm_fuzz_target pm_fuzz_objects = { "objects", true, attempt, describe };
