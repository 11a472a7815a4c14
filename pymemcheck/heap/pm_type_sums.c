/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heap/pm_type_sums.h"

#include "base/pm_platform.h"
#include "base/pm_sort.h"

static u64 key_of(struct pm_stack_id stack, struct pm_string_id type)
{
    return (u64)stack.v << 32 | type.v;
}

void pm_type_sums_begin(struct pm_type_sums *sums)
{
    pm_type_sums_release(sums);
    sums->counted = true;
    pm_map_init(&sums->by_key);
}

void pm_type_sums_add(struct pm_type_sums *sums, const struct pm_block *block, struct pm_stack_id stack,
                      struct pm_string_id type)
{
    const u64 key = key_of(stack, type);
    const u64 *known = pm_map_get(&sums->by_key, key);
    u32 index = known != NULL ? (u32)*known : sums->count;

    if (known == NULL) {
        if (sums->count == sums->capacity) {
            sums->capacity = sums->capacity == 0 ? 256 : 2 * sums->capacity;
            sums->entries = pm_realloc("pm.type_sums", sums->entries, sums->capacity * sizeof *sums->entries);
        }
        sums->entries[sums->count++] = (struct pm_type_sum){ .stack = stack, .type = type };
        pm_map_put(&sums->by_key, key, index);
    }
    sums->entries[index].bytes += pm_block_requested_bytes(block);
    sums->entries[index].blocks++;
    sums->in_use_bytes += block->bytes;
    sums->in_use_blocks++;
}

void pm_type_sums_sort(struct pm_type_sums *sums)
{
    struct pm_keyed *order = pm_alloc("pm.type_sums", (sums->count + (size_t)1) * sizeof *order);
    struct pm_type_sum *sorted = pm_alloc("pm.type_sums", (sums->count + (size_t)1) * sizeof *sorted);

    for (u32 i = 0; i < sums->count; i++)
        order[i] = (struct pm_keyed){ key_of(sums->entries[i].stack, sums->entries[i].type), i };
    pm_sort_keyed(order, sums->count);
    for (u32 i = 0; i < sums->count; i++)
        sorted[i] = sums->entries[order[i].item];
    pm_free(order);
    pm_free(sums->entries);
    sums->entries = sorted;
    sums->capacity = sums->count + 1;
    pm_map_release(&sums->by_key);
}

void pm_type_sums_release(struct pm_type_sums *sums)
{
    pm_free(sums->entries);
    pm_map_release(&sums->by_key);
    *sums = (struct pm_type_sums){ 0 };
}
