/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The cache of attributes: from a word that may be an entry's version on, entry after entry is looked at.
   What breaks the pattern ends the table. A table with FEW entries in use is none: a version, a string and a
   value may stand side by side by chance, but not so often.

   The cache of functions: thousands of words in a row are 0, point to a function or point to code (also of a
   function that is gone), and at least FEW point to functions. A variable that holds a function stands alone. */
#include "cpython/pm_object_caches.h"

#include "cpython/pm_object_type.h"

enum {
    WORD = 8,
    ATTRIBUTE_ENTRY_BYTES = 3 * WORD, NAME = WORD, VALUE = 2 * WORD,
    ATTRIBUTE_ENTRIES = 4096,
    FEW = 16,
    FUNCTION_ENTRIES = 4096,
};

static u64 word_at(struct pm_objects *objects, u64 address)
{
    u64 word;
    return pm_reader_read_u64(objects->reader, address, &word) ? word : 0;
}

static enum pm_shape shape_at(struct pm_objects *objects, u64 address)
{
    const struct pm_object_type *type;
    u64 word = word_at(objects, address + (u64)objects->layout->at.object_type);

    if (address == 0 || address % WORD != 0 || word == 0)
        return PM_SHAPE_OTHER;
    type = pm_object_type_find(objects, word);
    return type == NULL ? PM_SHAPE_OTHER : type->shape;
}

enum entry { ENTRY_NONE, ENTRY_EMPTY, ENTRY_USED };

/* An empty entry has no version and no value; its name may be None (3.11 and later). Pointers to objects are no
   versions, though they are as small under Valgrind: the state of the module _ast has types and names in turn. */
static enum entry attribute_entry(struct pm_objects *objects, u64 address)
{
    struct pm_object object;
    u64 tag = word_at(objects, address), name = word_at(objects, address + NAME);

    if (tag == 0)
        return word_at(objects, address + VALUE) == 0 && (name == 0 || name % WORD == 0)
            ? ENTRY_EMPTY : ENTRY_NONE;
    return tag <= UINT32_MAX && name != 0 && shape_at(objects, name) == PM_SHAPE_TEXT
            && !pm_objects_at(objects, tag, &object)
        ? ENTRY_USED : ENTRY_NONE;
}

/* The end of the table whose first entry in use is at first; 0 if there is none. */
static u64 attribute_table(struct pm_objects *objects, u64 first, u64 high)
{
    u64 end = first, last = first;
    u32 used = 0;

    for (u32 i = 0; i < ATTRIBUTE_ENTRIES && end + ATTRIBUTE_ENTRY_BYTES <= high; i++) {
        enum entry entry = attribute_entry(objects, end);
        if (entry == ENTRY_NONE)
            break;
        end += ATTRIBUTE_ENTRY_BYTES;
        if (entry == ENTRY_USED) {
            used++;
            last = end;
        }
    }
    return used >= FEW ? last : 0;
}

/* How many words in a row, from first on, are 0 or may be of the cache of functions; *used: how many functions. */
static u32 function_words(struct pm_objects *objects, u64 first, u64 high, u32 *used)
{
    u32 count = 0;

    *used = 0;
    for (u64 at = first; at < high && count < 2 * FUNCTION_ENTRIES; at += WORD, count++) {
        const u64 word = word_at(objects, at);
        const enum pm_shape shape = word == 0 ? PM_SHAPE_CODE : shape_at(objects, word);
        if (shape != PM_SHAPE_FUNCTION && shape != PM_SHAPE_CODE)
            break;
        *used += shape == PM_SHAPE_FUNCTION;
    }
    return count;
}

static bool may_be_function_entry(struct pm_objects *objects, u64 word)
{
    const enum pm_shape shape = shape_at(objects, word);
    return shape == PM_SHAPE_FUNCTION || shape == PM_SHAPE_CODE;
}

static void hide_words(u64 first, u64 end, u64 stride, const struct pm_object_cache_visitor *visitor)
{
    for (u64 at = first; at < end; at += stride)
        visitor->hide(visitor->context, at);
}

static void hide_functions(struct pm_objects *objects, u64 first, u64 end,
                           const struct pm_object_cache_visitor *visitor)
{
    for (u64 at = first; at < end; at += WORD)
        if (word_at(objects, at) != 0)
            visitor->hide(visitor->context, at);
}

void pm_objects_each_cache_word(struct pm_objects *objects, u64 low, u64 high,
                                const struct pm_object_cache_visitor *visitor)
{
    u64 zeros = 0, end, word;
    u32 used;

    for (u64 at = low; at < high; at += WORD) {
        /* A page that was never written may count as unreadable. It holds zeros. */
        if (!pm_reader_read_u64(objects->reader, at, &word))
            word = 0;
        if (word == 0) {
            zeros++;
            continue;
        }
        if (word <= UINT32_MAX && at + ATTRIBUTE_ENTRY_BYTES <= high
                && attribute_entry(objects, at) == ENTRY_USED
                && (end = attribute_table(objects, at, high)) != 0) {
            if (visitor->names != NULL)
                visitor->names(visitor->context, at + NAME, end, ATTRIBUTE_ENTRY_BYTES);
            hide_words(at + VALUE, end, ATTRIBUTE_ENTRY_BYTES, visitor);
            at = end - WORD;
        } else if (may_be_function_entry(objects, word)) {
            u32 count = function_words(objects, at, high, &used);
            if (used >= FEW && zeros + count >= FUNCTION_ENTRIES) {
                end = at + (u64)count * WORD;
                hide_functions(objects, at, end, visitor);
                at = end - WORD;
            }
        }
        zeros = 0;
    }
}
