/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"

#include "tool/watch/pm_watch_types.h"

#include "cpython/pm_births.h"
#include "cpython/pm_object.h"
#include "cpython/pm_object_member.h"
#include "tool/pm_run.h"

/* Reads a type that was not met before. 0: there is none. */
static u64 learn_type(struct pm_run *run, u64 type)
{
    const struct pm_watch_rules *rules = &run->options.watch_refs;
    const struct pm_tables tables = { &run->strings, &run->frames, &run->stacks };
    struct pm_objects objects;
    u64 known = 0;
    u32 header;

    if (pm_objects_init(&objects, &run->reader, &run->strings, &run->python.interpreter)
            && pm_objects_header_of_type(&objects, type, &header)) {
        const struct pm_string_id name = pm_objects_type_name(&objects, type);
        const bool chosen = !rules->only_types || pm_watch_rules_match(rules, &tables, PM_STACK_EMPTY, name);
        known = (u64)1 << PM_WATCH_TYPE_KNOWN_BIT | (u64)chosen << PM_WATCH_TYPE_CHOSEN_BIT
            | (u64)header << PM_WATCH_TYPE_NAME_BITS | name.v;
        pm_map_put(&run->watch.types, type, known);
    }
    pm_objects_release(&objects);
    return known;
}

static struct pm_watch_type *recent_type(struct pm_run *run, u64 type)
{
    enum { LOW_SHIFT = 4, HIGH_SHIFT = 13 };

    return &run->watch.recent_types[(type >> LOW_SHIFT ^ type >> HIGH_SHIFT) % PM_WATCH_RECENT_TYPES];
}

u64 pm_watch_type_known(struct pm_run *run, const struct pm_birth_store *store)
{
    const struct pm_layout *layout = run->python.interpreter.layout;
    u64 type, known;

    if (!pm_reader_read_u64(&run->reader, store->object + (u64)layout->at.object_type, &type) || type == 0)
        return 0;
    struct pm_watch_type *recent = recent_type(run, type);
    if (recent->type == type)
        return recent->known;
    const u64 *found = pm_map_get(&run->watch.types, type);
    if (found != NULL) {
        known = *found;
    } else {
        pm_birth_judge(layout, &run->reader, run->python.frame_type, store, &type);
        known = type == 0 ? 0 : learn_type(run, type);
    }
    if (known != 0)
        *recent = (struct pm_watch_type){ type, known };
    return known;
}

void pm_watch_type_forget(struct pm_run *run, u64 type)
{
    struct pm_watch_type *recent = recent_type(run, type);

    if (recent->type == type)
        *recent = (struct pm_watch_type){ 0 };
    pm_map_remove(&run->watch.types, type);
}
