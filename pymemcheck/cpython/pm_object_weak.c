/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words that may hold an object's address but are no references to it:

   - Weak references point to their object and to one another; the object points to the first of
     them. None of these are counted (Objects/weakrefobject.c, 2.7 to 3.15), with one exception: extensions give up a weak
     reference whose callback, a C function, releases it when the object dies (pybind11, all_type_info_get_cache). The list
     holds such a one.
   - Entries of sets, and of dicts whose keys are not all strings, store the key's hash. The hash of an int made
     from an address is that address: so in the dict of a class's subclasses, from 3.4 on
     (Objects/typeobject.c, add_subclass).
   - A dict's version (ma_version_tag, 3.6 to 3.13, between ma_used and ma_keys) counts changes. In 3.12 and 3.13
     it grows so fast that it soon has the size of an address.
   - A generator's frame points back to the generator (f_gen, 3.6 to 3.10, Include/cpython/frameobject.h).
   - A frame that does not run leaves old values above the top of its evaluation stack.
   - A list that got shorter leaves old items in the room that it keeps, and so does a deque.
   - Instructions, at the end of the code object from 3.11 on, have caches between them: versions, counters, and
     descriptors to which they hold no reference (Include/internal/pycore_code.h, _PyLoadMethodCache).
   - A class made at run time caches the functions that its instances' [] and its constructor call, without a reference
     (struct _specialization_cache, Include/cpython/object.h, from 3.11 on). It is at the end of the class, before what a
     metaclass adds; the only functions that a class itself points to are there.
   - The two words before the reference count in Py_TRACE_REFS builds (up to 3.12) link all objects.
   - An object that waits in a free list, or as the spare frame of its code object (co_zombieframe,
     Objects/frameobject.c, up to 3.9), has a count of 0 and still has its old pointers. Only the link of
     the free list is good: the first field behind ob_size (frame_dealloc, tupledealloc, dict_dealloc; lists
     have none, list_dealloc), or the place of the count (PM_FREE_LIST_LINKED). */
#include "cpython/pm_object.h"

#include "cpython/pm_frame_values.h"
#include "cpython/pm_object_deque.h"
#include "cpython/pm_object_dict.h"
#include "cpython/pm_object_type.h"

enum { WORD = 8, SET_ENTRY_BYTES = 16, CACHE_WORDS = 5 };

struct weak_list {
    struct pm_object_words *words;
    u32 count, capacity;
};

static void add_words(struct weak_list *list, u64 memory, u64 first, u64 end, u32 stride)
{
    if (list->count < list->capacity && first < end)
        list->words[list->count++] = (struct pm_object_words){ memory, first, end, stride };
}

static void add_word(struct weak_list *list, u64 address)
{
    add_words(list, address, address, address + WORD, WORD);
}

static void add_dict(struct pm_objects *objects, u64 dict, struct weak_list *list)
{
    const struct pm_layout_numbers *at = &objects->layout->at;
    struct pm_object_dict view;

    if (at->dict_keys != PM_LAYOUT_ABSENT)
        add_words(list, dict, dict + (u64)at->dict_used, dict + (u64)at->dict_keys, WORD);
    if (pm_object_dict_open(objects, dict, &view) && view.entries != 0 && view.key_at == WORD)
        add_words(list, view.entries, view.entries,
                  view.entries + view.count * view.entry_bytes, view.entry_bytes);
}

static void add_set(struct pm_objects *objects, u64 set, struct weak_list *list)
{
    const struct pm_layout_numbers *at = &objects->layout->at;
    u64 table = pm_object_word(objects, set, at->set_table);
    u64 entries = pm_object_word(objects, set, at->set_mask) + 1;
    u64 hash = at->set_entry_key == 0 ? WORD : 0;

    if (table != 0 && entries < (u64)1 << 32)
        add_words(list, table, table + hash, table + entries * SET_ENTRY_BYTES, SET_ENTRY_BYTES);
}

/* A word of the list of an object's weak references. */
static void add_weak_link(struct pm_objects *objects, u64 word, struct weak_list *list)
{
    const struct pm_layout_numbers *at = &objects->layout->at;
    const u64 next = pm_object_word(objects, word, 0);
    const u64 callback = next == 0 ? 0 : pm_object_word(objects, next, at->weakref_object + WORD);
    const struct pm_object_type *type = callback == 0 ? NULL
        : pm_object_type_find(objects, pm_object_word(objects, callback, at->object_type));

    if (type == NULL || type->shape != PM_SHAPE_BUILTIN)
        add_word(list, word);
}

static void add_list(struct pm_objects *objects, u64 address, struct weak_list *list)
{
    const struct pm_layout_numbers *at = &objects->layout->at;
    u64 items = pm_object_word(objects, address, at->list_items);
    u64 size = pm_object_word(objects, address, at->object_size);

    if (items != 0 && size < (u64)1 << 40)
        add_words(list, items, items + size * WORD, PM_OBJECT_BLOCK_END, WORD);
}

static void add_frame(struct pm_objects *objects, u64 frame, struct weak_list *list)
{
    const struct pm_layout_numbers *at = &objects->layout->at;
    u64 first, end;

    if (at->frame_object_generator != PM_LAYOUT_ABSENT)
        add_word(list, frame + (u64)at->frame_object_generator);
    if (pm_frame_unused_values(objects->layout, objects->reader, frame, &first, &end))
        add_words(list, frame, first, end, WORD);
}

static void add_code(struct pm_objects *objects, u64 code, struct weak_list *list)
{
    i64 instructions = objects->layout->at.code_instructions;

    if (instructions != PM_LAYOUT_ABSENT)
        add_words(list, code, code + (u64)instructions, PM_OBJECT_BLOCK_END, WORD);
}

static bool is_function(struct pm_objects *objects, u64 address)
{
    const struct pm_object_type *type;

    if (address == 0 || address % WORD != 0)
        return false;
    type = pm_object_type_find(objects, pm_object_word(objects, address, objects->layout->at.object_type));
    return type != NULL && type->shape == PM_SHAPE_FUNCTION;
}

/* Versions before 3.11 have no functions there. */
static void add_type(struct pm_objects *objects, u64 address, struct weak_list *list)
{
    const struct pm_object_type *own = pm_object_type_find(objects, address);

    add_word(list, address + (u64)objects->layout->at.type_flags);
    if (own == NULL || !pm_object_type_has(own, PM_TYPE_HEAP_BIT))
        return;
    const struct pm_object_type *metatype = pm_object_type_find(objects, objects->metatype);
    if (metatype == NULL || metatype->basic_size < CACHE_WORDS * WORD)
        return;
    const u64 end = address + (u64)metatype->basic_size;
    for (u64 word = end - CACHE_WORDS * WORD; word < end; word += WORD)
        if (is_function(objects, pm_object_word(objects, word, 0)))
            add_word(list, word);
}

static void add_deque(struct pm_objects *objects, u64 deque, struct weak_list *list)
{
    struct pm_object_deque_ends ends;

    if (!pm_object_deque_ends(objects, deque, &ends))
        return;
    add_words(list, ends.left, ends.left, ends.first_used, WORD);
    add_words(list, ends.right, ends.end_used, ends.end, WORD);
}

static void add_unused(struct pm_objects *objects, const struct pm_object *object,
                       enum pm_shape shape, struct weak_list *list)
{
    u64 link = object->address + (u64)objects->layout->at.object_bytes + WORD;

    if (object->free_link)
        add_words(list, object->address, object->address + (u64)objects->layout->at.object_bytes,
                  PM_OBJECT_BLOCK_END, WORD);
    else if (shape == PM_SHAPE_FRAME || shape == PM_SHAPE_TUPLE || shape == PM_SHAPE_DICT)
        add_words(list, object->address, link + WORD, PM_OBJECT_BLOCK_END, WORD);
    else if (shape == PM_SHAPE_LIST)
        add_words(list, object->address, link, PM_OBJECT_BLOCK_END, WORD);
}

u32 pm_objects_weak_words(struct pm_objects *objects, const struct pm_object *object,
                          struct pm_object_words *words, u32 capacity)
{
    const struct pm_layout_numbers *at = &objects->layout->at;
    const struct pm_object_type *type = pm_object_type_find(objects, object->type);
    struct weak_list list = { .words = words, .capacity = capacity };

    if (type == NULL)
        return 0;
    add_words(&list, object->address, object->address, object->address + (u64)at->object_refcount,
              WORD);
    if (object->references == 0) {
        add_unused(objects, object, type->shape, &list);
        return list.count;
    }
    const enum pm_shape shape = type->shape;
    if (type->weaklist_offset > 0)
        add_weak_link(objects, object->address + (u64)type->weaklist_offset, &list);
    else if (pm_object_type_has(type, at->type_managed_weakref_bit))
        add_weak_link(objects, object->address + (u64)(i64)at->preheader_weakrefs, &list);
    switch (shape) {
    case PM_SHAPE_WEAK_REFERENCE:
        add_word(&list, object->address + (u64)at->weakref_object);
        add_word(&list, object->address + (u64)at->weakref_previous);
        add_weak_link(objects, object->address + (u64)at->weakref_next, &list);
        break;
    case PM_SHAPE_DICT:
        add_dict(objects, object->address, &list);
        break;
    case PM_SHAPE_SET:
        add_set(objects, object->address, &list);
        break;
    case PM_SHAPE_CODE:
        add_code(objects, object->address, &list);
        break;
    case PM_SHAPE_FRAME:
        add_frame(objects, object->address, &list);
        break;
    case PM_SHAPE_DEQUE:
        add_deque(objects, object->address, &list);
        break;
    case PM_SHAPE_LIST:
        add_list(objects, object->address, &list);
        break;
    case PM_SHAPE_TYPE:
        add_type(objects, object->address, &list);
        break;
    default:
        break;
    }
    return list.count;
}
