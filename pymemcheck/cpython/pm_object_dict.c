/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpython/pm_object_dict.h"

#include "base/pm_platform.h"
#include "cpython/pm_object.h"
#include "cpython/pm_object_text.h"

enum {
    LOG2_SIZE_MAX = 40,     /* of a table that fits in memory */
    SEARCHED_MAX = 4096,
    SMALLEST_SIZE = 8,      /* PyDict_MINSIZE, 3.6 and later: only keys of this size go to free lists */
    SMALLEST_ENTRIES = 5,   /* USABLE_FRACTION(8) */
};

/* 2.7: one table of hash, key, value; its unused entries are zero or have a dummy key. */
static bool open_table(struct pm_objects *objects, u64 dict, struct pm_object_dict *view)
{
    const struct pm_layout_numbers *at = &objects->layout->at;
    u64 mask;

    if (!pm_reader_read_u64(objects->reader, dict + (u64)at->dict_mask, &mask)
            || !pm_reader_read_u64(objects->reader, dict + (u64)at->dict_table, &view->entries))
        return false;
    view->count = mask + 1;
    view->entry_bytes = 24;
    view->key_at = 8;
    view->value_at = 16;
    return mask < (u64)1 << LOG2_SIZE_MAX && (view->count & mask) == 0;
}

static u64 index_bytes_of(u64 size)
{
    return size <= 0xff ? 1 : size <= 0xffff ? 2 : size <= 0xffffffff ? 4 : 8;
}

/* The size of the table of indices between the keys' head and the entries, in bytes and in items. */
static bool measure_indices(struct pm_objects *objects, u64 keys, u64 *bytes, u64 *size)
{
    const struct pm_layout_numbers *at = &objects->layout->at;
    u8 log2_size, log2_bytes;

    if (at->keys_size != PM_LAYOUT_ABSENT) {
        if (!pm_reader_read_u64(objects->reader, keys + (u64)at->keys_size, size)
                || *size > (u64)1 << LOG2_SIZE_MAX)
            return false;
        *bytes = *size * index_bytes_of(*size);
        return true;
    }
    if (!pm_reader_read(objects->reader, keys + (u64)at->keys_log2_size, &log2_size, 1)
            || !pm_reader_read(objects->reader, keys + (u64)at->keys_log2_index_bytes, &log2_bytes, 1)
            || log2_size > LOG2_SIZE_MAX || log2_bytes > LOG2_SIZE_MAX + 3)
        return false;
    *size = (u64)1 << log2_size;
    *bytes = (u64)1 << log2_bytes;
    return true;
}

bool pm_object_keys_open(struct pm_objects *objects, u64 keys, struct pm_object_dict *view)
{
    const struct pm_layout_numbers *at = &objects->layout->at;
    u64 bytes, size;
    u8 kind = 0;

    pm_zero(view, sizeof *view);
    if (at->keys_indices == PM_LAYOUT_ABSENT || keys == 0
            || !measure_indices(objects, keys, &bytes, &size)
            || !pm_reader_read_u64(objects->reader, keys + (u64)at->keys_entry_count, &view->count)
            || view->count > size)
        return false;
    if (at->keys_kind != PM_LAYOUT_ABSENT
            && !pm_reader_read(objects->reader, keys + (u64)at->keys_kind, &kind, 1))
        return false;
    view->entries = keys + (u64)at->keys_indices + bytes;
    view->key_at = kind == 0 ? 8 : 0;
    view->value_at = view->key_at + 8;
    view->entry_bytes = view->value_at + 8;
    return true;
}

bool pm_object_dict_open(struct pm_objects *objects, u64 dict, struct pm_object_dict *view)
{
    const struct pm_layout_numbers *at = &objects->layout->at;
    u64 keys, values;

    pm_zero(view, sizeof *view);
    if (at->dict_table != PM_LAYOUT_ABSENT)
        return open_table(objects, dict, view);
    if (!pm_reader_read_u64(objects->reader, dict + (u64)at->dict_keys, &keys)
            || !pm_reader_read_u64(objects->reader, dict + (u64)at->dict_values, &values)
            || !pm_object_keys_open(objects, keys, view))
        return false;
    if (values != 0)
        view->values = values + (u64)at->values_items;
    return true;
}

bool pm_objects_are_idle_keys(struct pm_objects *objects, u64 address, u64 bytes)
{
    const struct pm_layout_numbers *at = &objects->layout->at;
    struct pm_object_dict view;
    u64 references, index_bytes, size;

    if (at->keys_indices == PM_LAYOUT_ABSENT)
        return false;
    /* Nearly all memory has another size. An entry has two words, or three with the hash. */
    u64 entries = bytes - (u64)at->keys_indices - SMALLEST_SIZE;
    if (entries != SMALLEST_ENTRIES * 16 && entries != SMALLEST_ENTRIES * 24)
        return false;
    return pm_object_keys_open(objects, address, &view)
           && measure_indices(objects, address, &index_bytes, &size) && size == SMALLEST_SIZE
           && index_bytes == SMALLEST_SIZE && view.count <= SMALLEST_ENTRIES
           && view.entries + (u64)(SMALLEST_ENTRIES * view.entry_bytes) == address + bytes
           /* dk_refcnt is the first word; dictresize leaves a 1 there. */
           && pm_reader_read_u64(objects->reader, address, &references) && references <= 1;
}

u64 pm_object_dict_key(struct pm_objects *objects, const struct pm_object_dict *view, u64 index)
{
    u64 key;

    if (index >= view->count
            || !pm_reader_read_u64(objects->reader,
                                   view->entries + index * view->entry_bytes + view->key_at, &key))
        return 0;
    return key;
}

u64 pm_object_dict_get(struct pm_objects *objects, u64 dict, const char *key)
{
    struct pm_object_dict view;

    if (!pm_object_dict_open(objects, dict, &view))
        return 0;
    for (u64 i = 0; i < view.count && i < SEARCHED_MAX; i++) {
        u64 found = pm_object_dict_key(objects, &view, i);
        if (found == 0 || !pm_object_text_is(objects, found, key))
            continue;
        if (view.values != 0)
            return pm_object_word(objects, view.values + i * 8, 0);
        return pm_object_word(objects, view.entries + i * view.entry_bytes + view.value_at, 0);
    }
    return 0;
}
