/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The blocks that a collections.deque keeps its items in (Modules/_collectionsmodule.c, 3.6 to 3.11; later versions make
   the type at run time and the deque keeps its spare blocks itself).

   A block is a pointer to the block on the left, 64 items, and a pointer to the block on the right. The used
   items go from leftindex in the leftmost block to rightindex in the rightmost one, both included. Items that
   were taken out leave their addresses behind. The outer links of the outermost blocks are not set. */
#include "cpython/pm_object_deque.h"

#include "cpython/pm_object.h"
#include "cpython/pm_object_type.h"

enum {
    WORD = 8,
    ITEMS_MAX = 64,             /* BLOCKLEN */
    ITEMS = WORD,               /* offset of data[0] */
    RIGHT_LINK = ITEMS + ITEMS_MAX * WORD,
};

static bool is_deque(struct pm_objects *objects, const struct pm_object *object)
{
    const struct pm_object_type *type = pm_object_type_find(objects, object->type);

    return type != NULL && type->shape == PM_SHAPE_DEQUE && object->references > 0
           && objects->layout->at.deque_left_block != PM_LAYOUT_ABSENT;
}

u64 pm_objects_deque_block_bytes(const struct pm_objects *objects)
{
    return objects->layout->at.deque_left_block == PM_LAYOUT_ABSENT ? 0 : RIGHT_LINK + WORD;
}

u64 pm_objects_deque_block(struct pm_objects *objects, const struct pm_object *object, u64 previous)
{
    const struct pm_layout_numbers *at = &objects->layout->at;

    if (!is_deque(objects, object))
        return 0;
    if (previous == 0)
        return pm_object_word(objects, object->address, at->deque_left_block);
    if (previous == pm_object_word(objects, object->address, at->deque_right_block))
        return 0;
    return pm_object_word(objects, previous, RIGHT_LINK);
}

bool pm_object_deque_ends(struct pm_objects *objects, u64 deque, struct pm_object_deque_ends *ends)
{
    const struct pm_layout_numbers *at = &objects->layout->at;
    u64 first, last;

    if (at->deque_left_block == PM_LAYOUT_ABSENT)
        return false;
    ends->left = pm_object_word(objects, deque, at->deque_left_block);
    ends->right = pm_object_word(objects, deque, at->deque_right_block);
    first = pm_object_word(objects, deque, at->deque_left_index);
    last = pm_object_word(objects, deque, at->deque_right_index);
    /* In an empty deque leftindex may be rightindex + 1, and rightindex may be -1. */
    if (ends->left == 0 || ends->right == 0 || first > ITEMS_MAX || last + 1 > ITEMS_MAX)
        return false;
    ends->first_used = ends->left + ITEMS + first * WORD;
    ends->end_used = ends->right + ITEMS + (last + 1) * WORD;
    ends->end = ends->right + RIGHT_LINK + WORD;
    return true;
}
