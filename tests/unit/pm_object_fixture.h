/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A made-up interpreter's types and a few objects, by the numbers of any layout row. */
#ifndef PM_OBJECT_FIXTURE_H
#define PM_OBJECT_FIXTURE_H

#include <string.h>

#include "cpython/pm_object.h"
#include "cpython/pm_type_flags.h"
#include "pm_image.h"

enum {
    METATYPE = 0x10000, OBJECT_TYPE = 0x11000, CODE_TYPE = 0x12000, LIST_TYPE = 0x13000,
    TEXT_TYPE = 0x14000, LONG_TYPE = 0x15000, TUPLE_TYPE = 0x16000, CLASS_TYPE = 0x17000,
    NAMES = 0x18000,
    BLOCK = 0x20000, ITEMS = 0x21000, NEIGHBOUR = 0x22000, TEXT = 0x23000, NUMBER = 0x24000,
    HEAP_FLAG = 1 << PM_TYPE_HEAP_BIT, READY_FLAG = 1 << PM_TYPE_READY_BIT,
    GC_FLAG = 1 << PM_TYPE_GC_BIT,
    BLOCK_BYTES = 256, HOOK = 16, MUTATIONS = 400,
};

struct fixture {
    struct pm_image image;
    struct pm_interpreter interpreter;
    struct pm_strings strings;
    struct pm_objects objects;
    const struct pm_layout *layout;
    const struct pm_layout_numbers *at;
    struct pm_buffer text;
};

static inline void put(struct fixture *fixture, u64 address, i32 field, u64 value)
{
    pm_image_put_u64(&fixture->image, address + (u64)(i64)field, value);
}

static inline void put_object(struct fixture *fixture, u64 address, u64 type, u64 references)
{
    put(fixture, address, fixture->at->object_type, type);
    put(fixture, address, fixture->at->object_refcount, references);
}

static inline void put_type(struct fixture *fixture, u64 address, const char *name, u64 flags, u64 base,
                     u64 basic_size, u64 item_size)
{
    const struct pm_layout_numbers *at = fixture->at;
    u64 text = NAMES + (address - METATYPE) / 64;
    u8 zeros[1024] = { 0 };

    pm_image_put(&fixture->image, address, zeros, sizeof zeros);
    pm_image_put(&fixture->image, text, name, strlen(name) + 1);
    put_object(fixture, address, METATYPE, 5);
    put(fixture, address, at->type_name, text);
    put(fixture, address, at->type_flags, flags | READY_FLAG);
    put(fixture, address, at->type_base, base);
    put(fixture, address, at->type_basic_size, basic_size);
    put(fixture, address, at->type_item_size, item_size);
}

/* A list of 3 items, as a block of BLOCK_BYTES that a debug hook may have padded. */
static inline u64 put_list(struct fixture *fixture, u64 hook, bool linked)
{
    const struct pm_layout_numbers *at = fixture->at;
    u64 head = BLOCK + hook, list = head + (u64)at->gc_head_bytes;

    put_object(fixture, list, LIST_TYPE, 7);
    put(fixture, list, at->object_size, 3);
    put(fixture, list, at->list_items, ITEMS);
    put(fixture, head, at->gc_next, linked ? NEIGHBOUR : 0);
    put(fixture, head, at->gc_prev, linked ? NEIGHBOUR : 0);
    put(fixture, NEIGHBOUR, at->gc_next, head);
    put(fixture, NEIGHBOUR, at->gc_prev, head);
    pm_image_put_u64(&fixture->image, ITEMS, TEXT);
    pm_image_put_u64(&fixture->image, ITEMS + 8, NUMBER);
    pm_image_put_u64(&fixture->image, ITEMS + 16, list);
    return list;
}

static inline void put_number(struct fixture *fixture, u32 value)
{
    const struct pm_layout_numbers *at = fixture->at;

    put_object(fixture, NUMBER, LONG_TYPE, 1);
    put(fixture, NUMBER, at->long_tag == PM_LAYOUT_ABSENT ? at->object_size : at->long_tag,
        at->long_tag == PM_LAYOUT_ABSENT ? 1 : 1 << 3);
    pm_image_put_u32(&fixture->image, NUMBER + (u64)at->long_digits, value);
}

static inline void set_up(struct fixture *fixture, const struct pm_layout *layout)
{
    memset(fixture, 0, sizeof *fixture);
    pm_image_init(&fixture->image);
    pm_strings_init(&fixture->strings);
    pm_buffer_init(&fixture->text);
    fixture->layout = layout;
    fixture->at = &layout->at;
    fixture->interpreter.layout = layout;
    fixture->interpreter.code_type = CODE_TYPE;
    put_type(fixture, METATYPE, "type", 1ul << PM_TYPE_TYPE_BIT | GC_FLAG, OBJECT_TYPE, 400, 40);
    put_type(fixture, OBJECT_TYPE, "object", 0, 0, (u64)layout->at.object_bytes, 0);
    put_type(fixture, CODE_TYPE, "code", 0, OBJECT_TYPE, 100, 0);
    put_type(fixture, LIST_TYPE, "list", 1ul << PM_TYPE_LIST_BIT | GC_FLAG, OBJECT_TYPE, 64, 0);
    put_type(fixture, TEXT_TYPE, "str", 1ul << PM_TYPE_TEXT_BIT, OBJECT_TYPE, 72, 0);
    put_type(fixture, LONG_TYPE, "int", 1ul << PM_TYPE_LONG_BIT, OBJECT_TYPE,
             (u64)layout->at.long_digits, 4);
    put_type(fixture, TUPLE_TYPE, "tuple", 1ul << PM_TYPE_TUPLE_BIT | GC_FLAG, OBJECT_TYPE,
             (u64)layout->at.tuple_items, 8);
    put_type(fixture, CLASS_TYPE, "Spam", HEAP_FLAG | GC_FLAG, OBJECT_TYPE, 64, 0);
    put_object(fixture, TEXT, TEXT_TYPE, 2);
    if (layout->strings == PM_STRING_UNICODE)
        pm_image_put_text(&fixture->image, layout, TEXT, "spam");
    put_number(fixture, 12345);
}

static inline void start(struct fixture *fixture)
{
    assert_true(pm_objects_init(&fixture->objects, &fixture->image.reader, &fixture->strings,
                                &fixture->interpreter));
}

static inline void tear_down(struct fixture *fixture)
{
    pm_objects_release(&fixture->objects);
    pm_strings_release(&fixture->strings);
    pm_buffer_release(&fixture->text);
    pm_image_release(&fixture->image);
}

static inline void each_row(void (*test)(const struct pm_layout *layout))
{
    const struct pm_layout *layout;

    for (size_t i = 0; (layout = pm_layout_row(i)) != NULL; i++)
        test(layout);
}

static inline bool identify(struct fixture *fixture, u64 bytes, u64 hook, struct pm_object *object)
{
    return pm_objects_identify(&fixture->objects, BLOCK, bytes, hook, object);
}

#endif
