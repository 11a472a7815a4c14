/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tool/leaks/pm_type_names.h"

#include "base/pm_platform.h"

struct recording {
    struct pm_type_names *names;
    struct pm_objects *objects;
};

static void add(struct pm_type_names *names, const struct pm_type_name *entry)
{
    if (names->count == names->capacity) {
        names->capacity = names->capacity ? names->capacity * 2 : 256;
        names->entries = pm_realloc("pm.type_names", names->entries,
                                    names->capacity * sizeof *names->entries);
    }
    names->entries[names->count++] = *entry;
}

static void record_block(void *context, struct pm_block *block)
{
    struct recording *recording = context;
    struct pm_objects *objects = recording->objects;
    u64 prefix = block->padding_units > 0 ? objects->layout->hook_prefix_bytes : 0;
    struct pm_object object;

    if (block->bytes < (u64)objects->layout->at.type_bytes
            || !pm_objects_identify(objects, block->address, block->bytes, prefix, &object)
            || !pm_objects_is_type(objects, &object))
        return;
    const struct pm_type_name entry = {
        .address = object.address,
        .block = block->address,
        .serial = block->serial,
        .name = pm_objects_type_name(objects, object.address),
    };
    if (entry.name.v != 0)
        add(recording->names, &entry);
}

void pm_type_names_record(struct pm_type_names *names, struct pm_objects *objects,
                          const struct pm_blocks *blocks)
{
    struct recording recording = { names, objects };

    names->count = 0;
    pm_blocks_each(blocks, record_block, &recording);
}

void pm_type_names_tell(const struct pm_type_names *names, struct pm_objects *objects,
                        const struct pm_blocks *blocks)
{
    for (u32 i = 0; i < names->count; i++) {
        const struct pm_type_name *entry = &names->entries[i];
        const struct pm_block *block = pm_blocks_find(blocks, entry->block);
        if (block != NULL && block->serial == entry->serial)
            pm_objects_name_type(objects, entry->address, entry->name);
    }
}
