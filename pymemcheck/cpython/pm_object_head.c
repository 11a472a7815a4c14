/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpython/pm_object_head.h"

enum { POINTER_BYTES = 8, HALF_WORD_BITS = 32 };

#define REFERENCES_MAX ((u64)1 << 40)

/* Whether word is a link of a free list in place of the count (PM_FREE_LIST_LINKED): the address of the next
   object, which has the same type. The last object has 0. */
static bool is_free_link(struct pm_objects *objects, const struct pm_object *object, u64 word)
{
    u64 type;

    return objects->layout->free_lists == PM_FREE_LIST_LINKED && word % POINTER_BYTES == 0
           && word >= PM_REFERENCES_USUAL
           && pm_reader_read_u64(objects->reader, word + (u64)objects->layout->at.object_type, &type)
           && type == object->type;
}

/* object->address and type are set. */
static bool read_count(struct pm_objects *objects, struct pm_object *object)
{
    const struct pm_layout_numbers *at = &objects->layout->at;
    u64 word = pm_object_word(objects, object->address, at->object_refcount);

    object->immortal = false;
    object->references = word;
    object->free_link = is_free_link(objects, object, word);
    if (object->free_link) {
        object->references = 0;
    } else if (at->object_refcount_bits == HALF_WORD_BITS) {
        u32 upper = (u32)(word >> HALF_WORD_BITS);

        object->references = (u32)word;
        object->immortal = (i32)(u32)word < 0;
        /* From 3.14 on the highest 16 bits are flags. */
        if ((at->object_overflow == PM_LAYOUT_ABSENT ? upper : upper & 0xffff) != 0)
            return false;
    }
    return object->references < REFERENCES_MAX;
}

const struct pm_object_type *pm_object_head_read(struct pm_objects *objects, u64 address,
                                                 struct pm_object *object)
{
    if (address % POINTER_BYTES != 0)
        return NULL;
    object->address = address;
    object->type = pm_object_word(objects, address, objects->layout->at.object_type);
    return object->type != 0 && read_count(objects, object) ? pm_object_type_find(objects, object->type) : NULL;
}
