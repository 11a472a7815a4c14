/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Python objects in memory blocks: whether a block holds one, where in the block it starts,
   its type, its reference count, and what it looks like. Nothing is guessed: a block that fails any
   check holds no object.

   Order of calls: pm_objects_init, any of the others, pm_objects_release. The program must not run
   in between: each type is read once and remembered by its address. */
#ifndef PM_OBJECT_H
#define PM_OBJECT_H

#include "base/pm_buffer.h"
#include "base/pm_types.h"
#include "cpython/pm_interpreter.h"
#include "cpython/pm_object_state.h"

/* interpreter must have passed pm_interpreter_check. False: its objects cannot be read, because it has no
   layout or PyType_Type was not found. Release in both cases. */
bool pm_objects_init(struct pm_objects *objects, struct pm_reader *reader, struct pm_strings *strings,
                     const struct pm_interpreter *interpreter);
void pm_objects_release(struct pm_objects *objects);

/* Describes the object in the block of bytes at address; false if there is none. hook_prefix_bytes: what a
   debug hook keeps at the block's start, 0 if no hook padded it. */
bool pm_objects_identify(struct pm_objects *objects, u64 address, u64 bytes, u64 hook_prefix_bytes,
                         struct pm_object *object);

/* Describes the object at an address whose block is not known (static memory). Its offset is 0. */
bool pm_objects_at(struct pm_objects *objects, u64 address, struct pm_object *object);

/* The name of the type, as tp_name: "list", "collections.OrderedDict". The module is put before the name of
   a class made by a class statement, if it can be read. "" if there is no readable name. */
struct pm_string_id pm_objects_type_name(struct pm_objects *objects, u64 type);

/* Whether the object is itself a type. */
bool pm_objects_is_type(struct pm_objects *objects, const struct pm_object *object);
/* Whether memory that it points to belongs to a whole module or program: a module, a type, a capsule. */
bool pm_objects_is_global(struct pm_objects *objects, const struct pm_object *object);

/* Sets the name that pm_objects_type_name gives for the type. Does nothing if there is no type at type. */
void pm_objects_name_type(struct pm_objects *objects, u64 type, struct pm_string_id name);

/* Appends a preview of the object, at most 60 columns: the text of str and bytes ('spam and e'...), the value
   of int, float and bool, "len 3" for list, tuple, dict and set, the name of a module, function or type.
   Nothing for other objects. */
void pm_objects_preview(struct pm_objects *objects, const struct pm_object *object,
                        struct pm_buffer *out);

/* Appends how the word at address word refers to something: "['name']" of a dict, "[3]" of a list or tuple,
   ".attribute" of an instance or module dict, ".ob_type", "cell", "local variable x". The word lies in owner's own
   block or in memory that belongs to it: a list's items, a dict's keys or values. False: not known,
   nothing appended. */
bool pm_objects_name_field(struct pm_objects *objects, const struct pm_object *owner, u64 word,
                           struct pm_buffer *out);

/* sys.modules, if the object is the module sys; else 0. */
u64 pm_objects_modules(struct pm_objects *objects, const struct pm_object *object);

/* Client addresses of the memory outside the object's own block that belongs to it: ob_item of a list, ma_keys
   of a dict ... Writes at most capacity of them and returns how many it wrote. */
u32 pm_objects_parts(struct pm_objects *objects, const struct pm_object *object, u64 *parts,
                     u32 capacity);

/* Whether memory that is no object's part holds keys of a dict (PyDictKeysObject, 3.6 and later) that wait in a
   free list, with their old contents. bytes must be exactly the size of such keys. */
bool pm_objects_are_idle_keys(struct pm_objects *objects, u64 address, u64 bytes);

/* The first block of a collections.deque (up to 3.11) if previous is 0, else the block to the right of previous.
   0: there are no more, or the object is no deque. The links may be damaged: callers must bound their steps. */
u64 pm_objects_deque_block(struct pm_objects *objects, const struct pm_object *object, u64 previous);
/* The size of such a block; 0: this version has none. */
u64 pm_objects_deque_block_bytes(const struct pm_objects *objects);

/* tp_traverse of a type and of its bases, except where it is 0: the functions by which the collector finds what
   instances refer to. Writes at most capacity of them and returns how many it wrote. */
u32 pm_objects_traversals(struct pm_objects *objects, u64 type, u64 *functions, u32 capacity);

/* The same of tp_dealloc. */
u32 pm_objects_deallocators(struct pm_objects *objects, u64 type, u64 *functions, u32 capacity);

/* The words at first, first + stride ... below end, in the block around the address memory. If end is
   PM_OBJECT_BLOCK_END, they go to the end of that block, which first may already have reached. */
struct pm_object_words {
    u64 memory, first, end;
    u32 stride;
};

#define PM_OBJECT_BLOCK_END (~(u64)0)

enum { PM_OBJECT_WEAK_WORDS_MAX = 6 };

/* The words of an object and of memory that belongs to it which may hold addresses of objects but are
   no references. Writes at most capacity ranges and returns how many it wrote. */
u32 pm_objects_weak_words(struct pm_objects *objects, const struct pm_object *object,
                          struct pm_object_words *words, u32 capacity);

#endif
