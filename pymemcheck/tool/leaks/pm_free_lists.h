/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Left-over pointers in CPython's free lists.

   Lists, dicts and dict keys that are freed wait in arrays for the next use
   (free_list[], Objects/listobject.c and dictobject.c, 2.7 to 3.13). CPython takes one out
   by lowering a count, and leaves the pointer in the array. If what was taken out is lost
   later, that left-over pointer would keep it reachable.

   We learn where the arrays are: when something is taken out, nothing but its place in the
   array points to it. We find arrays in static memory, also those in _PyRuntime (3.11
   and later), and arrays in the interpreter's state, which is a block in 3.10 that
   finalization frees. */
#ifndef PM_FREE_LISTS_H
#define PM_FREE_LISTS_H

#include "base/pm_reader.h"
#include "base/pm_types.h"
#include "heap/pm_blocks.h"

struct pm_python;

/* An array, as far as it is known. */
struct pm_free_list_array {
    u64 type;           /* of what waits in it; 0: dict keys, which are no objects */
    u64 low, high;      /* addresses of its lowest and highest place seen; 0: none yet */
    u64 last;           /* the place seen last */
    u64 holder, holder_serial;  /* the block that it is in, and its allocation's number; 0: static memory */
    u32 tries;          /* how often all static memory was searched for it */
};

enum { PM_FREE_LISTS_ARRAYS = 16 };

struct pm_free_lists {
    struct pm_reader *reader;
    const struct pm_blocks *blocks;
    const struct pm_python *python;
    struct pm_free_list_array arrays[PM_FREE_LISTS_ARRAYS];
    u32 count;
};

/* reader, blocks and python must outlive lists. */
void pm_free_lists_init(struct pm_free_lists *lists, struct pm_reader *reader,
                        const struct pm_blocks *blocks, const struct pm_python *python);

/* Learns from the block at address, which is just being taken out of a free list. type: its
   ob_type, or 0 if it is no object. Cost: one to three reads in most cases once its array is
   known, else 159. Before that, a few times for each type, a search of the interpreter's
   static memory. */
void pm_free_lists_learn(struct pm_free_lists *lists, u64 address, u64 type);

/* Calls visit for each writable mapping of the object file that static_address is in, with its bounds. */
void pm_free_lists_static_mappings(u64 static_address,
                                   void (*visit)(void *context, u64 low, u64 high), void *context);

struct pm_free_lists_visitor {
    /* The word at address is a left-over pointer, to something in use. */
    void (*left_over)(void *context, u64 address);
    /* Whether the memory at address belongs to an object. */
    bool (*is_part)(void *context, u64 address);
    void *context;
};

/* Calls left_over for each left-over pointer of the known arrays that are still there. */
void pm_free_lists_each_left_over(const struct pm_free_lists *lists,
                                  const struct pm_free_lists_visitor *visitor);

/* Calls visit for each word but 0 in the static memory of the object file that
   static_address is in. */
void pm_free_lists_static_words(struct pm_reader *reader, u64 static_address,
                                void (*visit)(void *context, u64 word), void *context);

#endif
