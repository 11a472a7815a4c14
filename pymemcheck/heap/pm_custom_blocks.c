/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heap/pm_custom_blocks.h"

#include "base/pm_platform.h"

enum { FIRST_CAPACITY = 64 };

void pm_custom_blocks_init(struct pm_custom_blocks *custom)
{
    *custom = (struct pm_custom_blocks){ 0 };
    pm_map_init(&custom->by_address);
    pm_custom_pool_create(custom, PM_CUSTOM_MALLOCLIKE, false);
}

void pm_custom_blocks_release(struct pm_custom_blocks *custom)
{
    for (u32 i = 0; i < custom->pool_count; i++)
        if (custom->pools[i].used)
            pm_map_release(&custom->pools[i].blocks);
    pm_map_release(&custom->by_address);
    pm_free(custom->pools);
    pm_free(custom->blocks);
    *custom = (struct pm_custom_blocks){ 0 };
}

struct pm_custom_pool *pm_custom_pool_at(struct pm_custom_blocks *custom, u64 address)
{
    const u64 *number = pm_map_get(&custom->by_address, address);
    return number != NULL ? &custom->pools[*number] : NULL;
}

/* A place for a new pool: one that was destroyed, or at the end. */
static u32 free_pool(struct pm_custom_blocks *custom)
{
    if (custom->first_free_pool != 0) {
        const u32 number = custom->first_free_pool - 1;
        custom->first_free_pool = (u32)custom->pools[number].address;
        return number;
    }
    if ((custom->pool_count & (custom->pool_count - 1)) == 0)
        custom->pools = pm_realloc("pm.custom", custom->pools,
                                   (custom->pool_count == 0 ? 1 : custom->pool_count * 2) * sizeof *custom->pools);
    return custom->pool_count++;
}

void pm_custom_pool_create(struct pm_custom_blocks *custom, u64 address, bool auto_free)
{
    pm_custom_pool_destroy(custom, address);
    const u32 number = free_pool(custom);
    struct pm_custom_pool *pool = &custom->pools[number];

    *pool = (struct pm_custom_pool){ .address = address, .used = true, .auto_free = auto_free };
    pm_map_init(&pool->blocks);
    pm_map_put(&custom->by_address, address, number);
}

static void give_number(struct pm_custom_blocks *custom, u32 number)
{
    custom->blocks[number] = (struct pm_block){ .serial = custom->first_free };
    custom->first_free = number + 1;
    custom->live--;
}

bool pm_custom_pool_destroy(struct pm_custom_blocks *custom, u64 address)
{
    struct pm_custom_pool *pool = pm_custom_pool_at(custom, address);

    if (pool == NULL)
        return false;
    for (u64 i = 0; i <= pool->blocks.mask; i++)
        if (pool->blocks.entries[i].value != PM_MAP_EMPTY)
            give_number(custom, (u32)pool->blocks.entries[i].value);
    pm_map_release(&pool->blocks);
    pool->used = false;
    pool->address = custom->first_free_pool;
    custom->first_free_pool = (u32)(pool - custom->pools) + 1;
    pm_map_remove(&custom->by_address, address);
    return true;
}

bool pm_custom_pool_move(struct pm_custom_blocks *custom, u64 from, u64 to)
{
    const u64 *found = pm_map_get(&custom->by_address, from);

    if (found == NULL)
        return false;
    const u64 number = *found;
    if (from == to)
        return true;
    pm_custom_pool_destroy(custom, to);
    pm_map_remove(&custom->by_address, from);
    pm_map_put(&custom->by_address, to, number);
    custom->pools[number].address = to;
    return true;
}

struct pm_block *pm_custom_pool_find(struct pm_custom_blocks *custom, const struct pm_custom_pool *pool,
                                     u64 address)
{
    const u64 *number = pm_map_get(&pool->blocks, address);
    return number != NULL ? &custom->blocks[*number] : NULL;
}

static u32 take_number(struct pm_custom_blocks *custom)
{
    custom->live++;
    if (custom->first_free != 0) {
        const u32 number = custom->first_free - 1;
        custom->first_free = (u32)custom->blocks[number].serial;
        return number;
    }
    if (custom->block_count == custom->capacity) {
        custom->capacity = custom->capacity == 0 ? FIRST_CAPACITY : custom->capacity * 2;
        custom->blocks = pm_realloc("pm.custom", custom->blocks, custom->capacity * sizeof *custom->blocks);
    }
    return custom->block_count++;
}

void pm_custom_pool_insert(struct pm_custom_blocks *custom, struct pm_custom_pool *pool,
                           const struct pm_block *block)
{
    const u64 *known = pm_map_get(&pool->blocks, block->address);
    const u64 number = known != NULL ? *known : take_number(custom);

    custom->blocks[number] = *block;
    if (known == NULL)
        pm_map_put(&pool->blocks, block->address, number);
}

bool pm_custom_pool_remove(struct pm_custom_blocks *custom, struct pm_custom_pool *pool, u64 address,
                           struct pm_block *removed)
{
    const u64 *number = pm_map_get(&pool->blocks, address);

    if (number == NULL)
        return false;
    *removed = custom->blocks[*number];
    give_number(custom, (u32)*number);
    pm_map_remove(&pool->blocks, address);
    return true;
}

/* The blocks of a pool, in no order; the caller frees the array. */
static struct pm_block *copy_of(const struct pm_custom_blocks *custom, const struct pm_custom_pool *pool,
                                u64 *count)
{
    struct pm_block *blocks = pm_alloc("pm.custom", (pool->blocks.count + 1) * sizeof *blocks);

    *count = 0;
    for (u64 i = 0; i <= pool->blocks.mask; i++)
        if (pool->blocks.entries[i].value != PM_MAP_EMPTY)
            blocks[(*count)++] = custom->blocks[pool->blocks.entries[i].value];
    return blocks;
}

static u64 end_of(const struct pm_block *block)
{
    return block->address + (block->bytes > 0 ? block->bytes : 1);
}

/* Keeps the part of each block that is inside, or the parts that are whole outside. */
static void cut(struct pm_custom_blocks *custom, struct pm_custom_pool *pool, u64 start, u64 bytes, bool keep_inside,
                void (*visit)(void *context, const struct pm_block *block), void *context)
{
    const u64 end = start + bytes;
    u64 count;
    struct pm_block *blocks = copy_of(custom, pool, &count);

    for (u64 i = 0; i < count; i++) {
        struct pm_block block = blocks[i], removed;
        const bool inside = block.address >= start && end_of(&block) <= end;
        const bool apart = end_of(&block) <= start || block.address >= end;
        if (keep_inside ? inside : !inside)
            continue;
        pm_custom_pool_remove(custom, pool, block.address, &removed);
        if (!keep_inside || apart) {
            visit(context, &block);
            continue;
        }
        const u64 block_end = end_of(&block) < end ? end_of(&block) : end;
        if (block.address < start)
            block.address = start;
        block.bytes = block_end - block.address;
        pm_custom_pool_insert(custom, pool, &block);
    }
    pm_free(blocks);
}

void pm_custom_pool_trim(struct pm_custom_blocks *custom, struct pm_custom_pool *pool, u64 start, u64 bytes,
                         void (*visit)(void *context, const struct pm_block *block), void *context)
{
    cut(custom, pool, start, bytes, true, visit, context);
}

void pm_custom_pool_clear(struct pm_custom_blocks *custom, struct pm_custom_pool *pool, u64 start, u64 bytes,
                          void (*visit)(void *context, const struct pm_block *block), void *context)
{
    cut(custom, pool, start, bytes, false, visit, context);
}

void pm_custom_blocks_each(const struct pm_custom_blocks *custom,
                           void (*visit)(void *context, struct pm_block *block), void *context)
{
    for (u32 i = 0; i < custom->block_count; i++)
        if (custom->blocks[i].address != 0)
            visit(context, &custom->blocks[i]);
}

/* Whether of two blocks that overlap the first gives way, which does not start behind the other. */
static bool first_gives_way(const struct pm_block *first, const struct pm_block *second)
{
    const bool first_custom = first->origin == PM_BLOCK_CUSTOM, second_custom = second->origin == PM_BLOCK_CUSTOM;

    return first_custom == second_custom ? first_custom && end_of(second) <= end_of(first) : second_custom;
}

u32 pm_custom_blocks_resolve(struct pm_block *blocks, u32 count)
{
    u32 kept = 0;

    for (u32 i = 0; i < count; i++) {
        if (kept > 0 && blocks[i].address < end_of(&blocks[kept - 1])) {
            if (first_gives_way(&blocks[kept - 1], &blocks[i]))
                blocks[kept - 1] = blocks[i];
            continue;
        }
        blocks[kept++] = blocks[i];
    }
    return kept;
}
