/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"

#include "tool/leaks/pm_type_names.h"

#include "base/pm_platform.h"
#include "tool/pm_run.h"

struct noting {
    struct pm_run *run;
    struct pm_objects objects;
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

static void note_block(void *context, struct pm_block *block)
{
    struct noting *noting = context;
    const struct pm_layout *layout = noting->objects.layout;
    u64 prefix = block->padding_units > 0 ? layout->hook_prefix_bytes : 0;
    struct pm_object object;

    if (block->bytes < (u64)layout->at.type_bytes
            || !pm_objects_identify(&noting->objects, block->address, block->bytes, prefix, &object)
            || !pm_objects_is_type(&noting->objects, &object))
        return;
    const struct pm_type_name entry = {
        .address = object.address,
        .block = block->address,
        .serial = block->serial,
        .name = pm_objects_type_name(&noting->objects, object.address),
    };
    if (entry.name.v != 0)
        add(&noting->run->type_names, &entry);
}

void pm_type_names_note(struct pm_run *run)
{
    struct noting noting = { .run = run };

    run->type_names.count = 0;
    if (!run->options.python_objects || run->python.state != PM_PYTHON_READY)
        return;
    pm_reader_forget(&run->reader);
    if (pm_objects_init(&noting.objects, &run->reader, &run->strings, &run->python.interpreter))
        pm_blocks_each(&run->blocks, note_block, &noting);
    pm_objects_release(&noting.objects);
}

void pm_type_names_tell(struct pm_run *run, struct pm_objects *objects)
{
    for (u32 i = 0; i < run->type_names.count; i++) {
        const struct pm_type_name *entry = &run->type_names.entries[i];
        const struct pm_block *block = pm_blocks_find(&run->blocks, entry->block);
        if (block != NULL && block->serial == entry->serial)
            pm_objects_name_type(objects, entry->address, entry->name);
    }
}
