/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Python objects in memory blocks: whether a block holds one, where in the block
   it starts, of what type it is, how many references it claims, and what it
   looks like. Nothing is guessed: a block that does not look like an object in
   every respect is none.

   A type is looked at once and remembered by its address; who frees a block
   that may hold a type calls nothing, since this is used at one moment only:
   pm_objects_init, any of the others, pm_objects_release. */
#ifndef PM_OBJECT_H
#define PM_OBJECT_H

#include "base/pm_buffer.h"
#include "base/pm_types.h"
#include "cpython/pm_interpreter.h"
#include "cpython/pm_object_state.h"

/* interpreter must have been checked. False: this interpreter's objects cannot be
   read (no layout, PyType_Type not found). */
bool pm_objects_init(struct pm_objects *objects, struct pm_reader *reader, struct pm_strings *strings,
                     const struct pm_interpreter *interpreter);
void pm_objects_release(struct pm_objects *objects);

/* The object in the block of bytes at address, if there is one. hook_prefix_bytes: what a debug
   hook keeps at the block's start, 0 if none padded it. */
bool pm_objects_identify(struct pm_objects *objects, u64 address, u64 bytes, u64 hook_prefix_bytes,
                         struct pm_object *object);

/* The object at an address that is not known to be a block's (static memory). */
bool pm_objects_at(struct pm_objects *objects, u64 address, struct pm_object *object);

/* tp_name of the type: "list", "collections.OrderedDict"; for a class made by a class statement
   with its module in front where that can be read. "" if unreadable. */
struct pm_string_id pm_objects_type_name(struct pm_objects *objects, u64 type);

/* Whether the object is a type itself. */
bool pm_objects_is_type(struct pm_objects *objects, const struct pm_object *object);

/* From now on the type has this name, whatever can be read of it. Nothing if there is no type at type. */
void pm_objects_name_type(struct pm_objects *objects, u64 type, struct pm_string_id name);

/* Appends what a person would recognise the object by, at most 60 columns: text of str and bytes
   ('spam and e'...), the value of int, float and bool, "len 3" for list, tuple, dict and set, the name of a
   module, function or type. Nothing for other objects. */
void pm_objects_preview(struct pm_objects *objects, const struct pm_object *object,
                        struct pm_buffer *out);

/* Appends how the word at address word refers to something: "['name']" of a dict, "[3]" of a list or tuple,
   ".attribute" of an instance or module dict, ".ob_type", "cell", "local variable x". The word lies in owner's own
   block or in memory that belongs to it: a list's items, a dict's keys or values. False: not known,
   nothing appended. */
bool pm_objects_name_field(struct pm_objects *objects, const struct pm_object *owner, u64 word,
                           struct pm_buffer *out);

/* The memory block (client address) outside the object's own that its items are in: ob_item of a list, ma_keys of a dict ...;
   writes at most capacity of them and returns how many. */
u32 pm_objects_parts(struct pm_objects *objects, const struct pm_object *object, u64 *parts,
                     u32 capacity);

/* Whether memory that no object has for a part of its own is keys of a dict (PyDictKeysObject, 3.6 and later). Such
   keys wait in a free list for their next use, with what they held in their former life still there. The bytes must
   be just those of such keys. */
bool pm_objects_are_idle_keys(struct pm_objects *objects, u64 address, u64 bytes);

/* The blocks of a collections.deque (up to 3.11) from left to right: the first one, or the one after previous; 0: no more, or
   the object is no deque. The links are the program's: who follows them must bound the steps. */
u64 pm_objects_deque_block(struct pm_objects *objects, const struct pm_object *object, u64 previous);
/* Bytes of such a block; 0: this version has none. */
u64 pm_objects_deque_block_bytes(const struct pm_objects *objects);

/* tp_traverse of a type and of its bases, by which the collector finds what their instances refer to;
   those that are 0 left out. Writes at most capacity of them and returns how many there are. */
u32 pm_objects_traversals(struct pm_objects *objects, u64 type, u64 *functions, u32 capacity);

/* Words at first, first + stride ... below end, in the block that holds the address memory. An end
   of PM_OBJECT_BLOCK_END is that of the block, where first can be, too. */
struct pm_object_words {
    u64 memory, first, end;
    u32 stride;
};

#define PM_OBJECT_BLOCK_END (~(u64)0)

enum { PM_OBJECT_WEAK_WORDS_MAX = 6 };

/* The words of an object, and of memory that belongs to it, that hold addresses of objects and are
   no references to them. Writes at most capacity of them and returns how many. */
u32 pm_objects_weak_words(struct pm_objects *objects, const struct pm_object *object,
                          struct pm_object_words *words, u32 capacity);

#endif
