/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a store of the word 1 gave birth to an object.

   CPython sets the reference count of a new object to 1 (_Py_NewReference, Objects/object.c), also
   when the object's memory comes from a free list and malloc is not called. Other code stores a 1 as
   well. A store is believed only if the address is where an object of its type begins in a live block.

   Order of calls: pm_birth_headers says where the block of an object may start; find that block;
   pm_birth_judge gives the verdict. Nothing is kept between calls. All reads go through the reader. */
#ifndef PM_BIRTHS_H
#define PM_BIRTHS_H

#include "base/pm_reader.h"
#include "base/pm_types.h"
#include "cpython/pm_layout.h"

enum { PM_BIRTH_HEADERS = 4 };

/* How many bytes before an object its block may start: none, the GC head, what a debug hook keeps, or both. */
void pm_birth_headers(const struct pm_layout *layout, u64 bytes[PM_BIRTH_HEADERS]);

struct pm_birth_store {
    u64 object;             /* where the 1 was stored */
    u64 block;              /* address of the live block around it */
    u64 instruction;        /* address of the store; 0: it is _Py_NewReference's own, beyond doubt */
};

enum pm_birth {
    PM_BIRTH_NONE,          /* the store means something else */
    PM_BIRTH_NO_OBJECT,     /* what lies there is no object, but may have come out of a free list:
                               dict keys count their users in their first word, too */
    PM_BIRTH_OBJECT,
    PM_BIRTH_FRAME,         /* an object of type frame_type */
};

/* frame_type: address of the type of frame objects, 0 if not known. *type is set to the object's
   ob_type, and to 0 for PM_BIRTH_NO_OBJECT. Up to 3.10 most births are frames; they need one read,
   other objects five. */
enum pm_birth pm_birth_judge(const struct pm_layout *layout, struct pm_reader *reader, u64 frame_type,
                             const struct pm_birth_store *store, u64 *type);

/* The words of a new frame's evaluation stack that other frames left there, from *first up to *end.
   They keep what they point to alive while the frame runs; the interpreter never reads them.
   False: none, not known, or not all before block_end, the end of the frame's block. */
bool pm_birth_unused_values(const struct pm_layout *layout, struct pm_reader *reader, u64 frame,
                            u64 block_end, u64 *first, u64 *end);

#endif
