/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stale pointers in CPython's free lists.

   Lists, dicts and dict keys that are freed wait in arrays for the next use
   (free_list[], Objects/listobject.c and dictobject.c, 2.7 to 3.13). Taking one
   out lowers a count and leaves the pointer behind. If what was taken out is lost
   later, that pointer would keep it reachable.

   Where the arrays are is learned: when something is taken out, nothing but its place in
   the array points to it. Arrays in static memory are found, also those inside of
   _PyRuntime (3.11 and later), and those in the interpreter's state, in 3.10 a block that
   finalization frees. */
#ifndef PM_FREE_LISTS_H
#define PM_FREE_LISTS_H

#include "base/pm_types.h"

struct pm_run;

/* An array, as far as it is known. */
struct pm_free_list_array {
    u64 type;           /* of what waits in it; 0: no objects, dict keys */
    u64 low, high;      /* addresses of its lowest and highest place seen; 0: none yet */
    u64 last;           /* the place seen last */
    u64 holder, holder_serial;  /* the block that it lies in, and the number of its allocation; 0: static memory */
    u32 tries;          /* searches of all static memory for it */
};

enum { PM_FREE_LISTS_ARRAYS = 16 };

struct pm_free_lists {
    struct pm_free_list_array arrays[PM_FREE_LISTS_ARRAYS];
    u32 count;
};

/* The block at address is being taken out of a free list. type: its ob_type, 0 if it is no
   object. Cost: mostly one to three reads once its array is known, else 159; before, a few times for
   each type, the interpreter's static memory is looked through. */
void pm_free_lists_taken(struct pm_run *run, u64 address, u64 type);

/* Calls visit for each word but 0 of the static memory of the object file that static_address is in. */
void pm_free_lists_static_words(struct pm_run *run, u64 static_address,
                           void (*visit)(void *context, u64 word), void *context);

/* Calls visit for each writable mapping of the object file that static_address is in, with its bounds. */
void pm_free_lists_static_mappings(u64 static_address,
                                   void (*visit)(void *context, u64 low, u64 high), void *context);

struct pm_free_lists_visitor {
    /* The word at address points to something in use and is none of its references. */
    void (*hide)(void *context, u64 address);
    /* Whether an object has the memory at address for a part of its own. */
    bool (*is_owned)(void *context, u64 address);
    void *context;
};

/* Calls hide for each such word of the known arrays that are still there. */
void pm_free_lists_each_stale(struct pm_run *run, const struct pm_free_lists_visitor *visitor);

#endif
