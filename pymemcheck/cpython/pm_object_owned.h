/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of an object that own what they point to: each holds one reference of its own. Only those
   are listed of which this is certain in every version: items of lists and tuples, keys and values of dicts,
   elements of sets, contents of cells, fields of functions, attributes of instances. Subclasses of
   list, tuple, dict and set may do as they like, so their items are not listed.

   An owning word may be 0. In a dict or set it may also hold a mark for a deleted entry, which is
   an object in static memory. */
#ifndef PM_OBJECT_OWNED_H
#define PM_OBJECT_OWNED_H

#include "cpython/pm_object_state.h"

/* The words at first, first + stride ... below end. They lie in the object's own block, or in memory that
   belongs to it. */
struct pm_object_owned {
    u64 first, end;
    u32 stride;
    bool shared;            /* other objects may list the same words: keys that instances of a class share, values
                               that an instance and its __dict__ share */
};

enum { PM_OBJECT_OWNED_MAX = 4 };

/* Writes the ranges of an object's owning words, and returns how many there are: none if the object
   is not in use (its count is 0). Cost: a few reads. */
u32 pm_objects_owned_words(struct pm_objects *objects, const struct pm_object *object,
                           struct pm_object_owned ranges[PM_OBJECT_OWNED_MAX]);

/* Whether the object is None, True, False, Ellipsis or NotImplemented. They are in static memory. */
bool pm_objects_is_singleton(struct pm_objects *objects, const struct pm_object *object);

#endif
