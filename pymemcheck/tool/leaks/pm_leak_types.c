/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A stage: what is in use, by stack and Python type. Memory that belongs to an object counts as its type. */
#include "tool/leaks/pm_leak_stages.h"

#include "tool/allocator/pm_allocator.h"
#include "tool/pm_run.h"

static struct pm_string_id type_of(struct pm_leak_state *check, u32 index)
{
    const u32 owner = pm_leak_owner(check, index);
    struct pm_object object;

    if (!check->python || !pm_leak_identify(check, owner == PM_LEAK_NONE ? index : owner, &object))
        return (struct pm_string_id){ 0 };
    return pm_objects_type_name(&check->objects, object.type);
}

void pm_leak_count_types(struct pm_leak_state *check, struct pm_type_sums *sums)
{
    pm_type_sums_begin(sums);
    for (u32 i = 0; i < check->count; i++) {
        const struct pm_block *block = pm_leak_allocated(check, i);
        if (check->found[i].flags & PM_LEAK_CUSTOM)
            continue;       /* other figures have the block that it is in */
        pm_type_sums_add(sums, block, pm_allocator_stack(check->run, block), type_of(check, i));
    }
    pm_type_sums_sort(sums);
}
