/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A block's home cell is its mixed address scaled to the capacity, by a multiply and a shift. So
   the capacity can be any number, and the table can grow by a half. Homes grow with the hash;
   after the last cell comes the first. */
#include "heap/pm_blocks.h"

#include "base/pm_platform.h"
#include "base/pm_sort.h"

enum { INITIAL_CAPACITY = 4096 };

static void allocate(struct pm_blocks *blocks, u64 capacity)
{
    blocks->cells = pm_alloc_zero("pm.blocks", capacity * sizeof *blocks->cells);
    blocks->capacity = capacity;
    blocks->limit = capacity - capacity / 8;
}

void pm_blocks_init(struct pm_blocks *blocks)
{
    *blocks = (struct pm_blocks){ 0 };
    allocate(blocks, INITIAL_CAPACITY);
}

void pm_blocks_release(struct pm_blocks *blocks)
{
    pm_slabs_release(&blocks->slabs);
    pm_free(blocks->cells);
    *blocks = (struct pm_blocks){ 0 };
}

static inline u64 home_of(const struct pm_blocks *blocks, u64 address)
{
    u64 hash = (address >> 4) * 0x9e3779b97f4a7c15ull;
    return (u64)(((unsigned __int128)hash * blocks->capacity) >> 64);
}

static inline u64 after(const struct pm_blocks *blocks, u64 cell)
{
    return cell + 1 == blocks->capacity ? 0 : cell + 1;
}

/* How far cell lies behind home, going round. */
static inline u64 distance(const struct pm_blocks *blocks, u64 home, u64 cell)
{
    return cell >= home ? cell - home : cell + blocks->capacity - home;
}

static inline u64 cell_of(const struct pm_blocks *blocks, u64 address)
{
    u64 cell = home_of(blocks, address);

    while (blocks->cells[cell].address != 0 && blocks->cells[cell].address != address)
        cell = after(blocks, cell);
    return cell;
}

static void grow(struct pm_blocks *blocks)
{
    struct pm_block *old = blocks->cells;
    u64 old_capacity = blocks->capacity;

    allocate(blocks, old_capacity + old_capacity / 2);
    for (u64 i = 0; i < old_capacity; i++)
        if (old[i].address != 0)
            blocks->cells[cell_of(blocks, old[i].address)] = old[i];
    pm_free(old);
}

void pm_blocks_prefetch(const struct pm_blocks *blocks, u64 address)
{
    __builtin_prefetch(&blocks->cells[home_of(blocks, address)], 1);
}

void pm_blocks_insert(struct pm_blocks *blocks, const struct pm_block *block)
{
    const struct pm_slab_chunk *chunk = pm_slabs_chunk(&blocks->slabs, block->address);

    if (chunk != NULL) {
        struct pm_block *record = pm_slabs_record(chunk, block->address);
        PM_ASSERT(record != NULL);
        *record = *block;
        blocks->count++;
        return;
    }
    if (blocks->in_table >= blocks->limit)
        grow(blocks);
    u64 cell = cell_of(blocks, block->address);
    PM_ASSERT(block->address != 0 && blocks->cells[cell].address == 0);
    blocks->cells[cell] = *block;
    blocks->count++;
    blocks->in_table++;
}

struct pm_block *pm_blocks_find(const struct pm_blocks *blocks, u64 address)
{
    const struct pm_slab_chunk *chunk = pm_slabs_chunk(&blocks->slabs, address);

    if (address == 0)
        return NULL;
    if (chunk != NULL) {
        struct pm_block *record = pm_slabs_record(chunk, address);
        return record != NULL && record->address == address ? record : NULL;
    }
    struct pm_block *block = &blocks->cells[cell_of(blocks, address)];
    return block->address != 0 ? block : NULL;
}

const struct pm_block *pm_blocks_holding(const struct pm_blocks *blocks, u64 address)
{
    bool in_slabs;
    const struct pm_block *block = pm_blocks_around(blocks, address, &in_slabs);

    for (u64 cell = 0; !in_slabs && cell < blocks->capacity; cell++) {
        const struct pm_block *here = &blocks->cells[cell];
        if (here->address != 0 && address - here->address < (here->bytes > 0 ? here->bytes : 1))
            return here;
    }
    return block;
}

u64 pm_blocks_slab_bytes(const struct pm_blocks *blocks, u64 address)
{
    const struct pm_slab_chunk *chunk = pm_slabs_chunk(&blocks->slabs, address);
    return chunk != NULL ? chunk->slot_bytes : 0;
}

static void remove_from_table(struct pm_blocks *blocks, struct pm_block *found)
{
    u64 hole = (u64)(found - blocks->cells);

    for (u64 i = after(blocks, hole); blocks->cells[i].address != 0; i = after(blocks, i)) {
        u64 home = home_of(blocks, blocks->cells[i].address);
        if (distance(blocks, home, i) >= distance(blocks, hole, i)) {
            blocks->cells[hole] = blocks->cells[i];
            hole = i;
        }
    }
    blocks->cells[hole].address = 0;
    blocks->in_table--;
}

u64 pm_blocks_remove_found(struct pm_blocks *blocks, struct pm_block *found)
{
    struct pm_slab_chunk *chunk = pm_slabs_chunk(&blocks->slabs, found->address);
    u64 bytes = 0;

    blocks->count--;
    if (chunk != NULL) {
        bytes = chunk->slot_bytes;
        found->address = 0;
        pm_slabs_free(&blocks->slabs, chunk, (u32)(found - chunk->records));
    } else {
        remove_from_table(blocks, found);
    }
    return bytes;
}

void pm_blocks_retire_found(struct pm_blocks *blocks, struct pm_block *found)
{
    blocks->count--;
    if (pm_slabs_chunk(&blocks->slabs, found->address) != NULL)
        found->address = 0;
    else
        remove_from_table(blocks, found);
}

bool pm_blocks_free_retired(struct pm_blocks *blocks, u64 address)
{
    struct pm_slab_chunk *chunk = pm_slabs_chunk(&blocks->slabs, address);

    if (chunk == NULL)
        return false;
    const u32 slot = pm_slabs_slot(chunk, address);
    /* Probably handed out next, and no longer in the processor's cache. */
    __builtin_prefetch(&chunk->records[slot], 1);
    __builtin_prefetch((const void *)address, 1);
    pm_slabs_free(&blocks->slabs, chunk, slot);
    return true;
}

bool pm_blocks_remove(struct pm_blocks *blocks, u64 address, struct pm_block *removed)
{
    struct pm_block *found = pm_blocks_find(blocks, address);

    if (found == NULL)
        return false;
    *removed = *found;
    pm_blocks_remove_found(blocks, found);
    return true;
}

void pm_blocks_each(const struct pm_blocks *blocks,
                    void (*visit)(void *context, struct pm_block *block), void *context)
{
    for (u32 i = 0; i < blocks->slabs.count * PM_SLAB_REGION_CHUNKS; i++) {
        const struct pm_slab_chunk *chunk = pm_slabs_at(&blocks->slabs, i);
        for (u32 slot = 0; slot < chunk->fresh; slot++)
            if (chunk->records[slot].address != 0)
                visit(context, &chunk->records[slot]);
    }
    for (u64 i = 0; i < blocks->capacity; i++)
        if (blocks->cells[i].address != 0)
            visit(context, &blocks->cells[i]);
}

/* The live blocks in the table, and the chunks with slots, by address. Each array ends behind its count. */
static struct pm_keyed *sorted_cells(const struct pm_blocks *blocks, u64 *count)
{
    struct pm_keyed *order = pm_alloc("pm.blocks.order", (blocks->in_table + 1) * sizeof *order);

    *count = 0;
    for (u64 i = 0; i < blocks->capacity; i++)
        if (blocks->cells[i].address != 0)
            order[(*count)++] = (struct pm_keyed){ blocks->cells[i].address, (u32)i };
    pm_sort_keyed(order, *count);
    return order;
}

static struct pm_keyed *sorted_chunks(const struct pm_slabs *slabs, u64 *count)
{
    const u32 all = slabs->count * PM_SLAB_REGION_CHUNKS;
    struct pm_keyed *order = pm_alloc("pm.blocks.order", (all + (size_t)1) * sizeof *order);

    *count = 0;
    for (u32 i = 0; i < all; i++)
        if (pm_slabs_at(slabs, i)->fresh > 0)
            order[(*count)++] = (struct pm_keyed){ pm_slabs_at(slabs, i)->base, i };
    pm_sort_keyed(order, *count);
    return order;
}

void pm_blocks_each_ascending(const struct pm_blocks *blocks,
                              void (*visit)(void *context, struct pm_block *block), void *context)
{
    u64 cells, chunks, cell = 0;
    struct pm_keyed *cell_order = sorted_cells(blocks, &cells), *chunk_order = sorted_chunks(&blocks->slabs, &chunks);

    /* No block of the table is inside a chunk. */
    for (u64 i = 0; i < chunks; i++) {
        const struct pm_slab_chunk *chunk = pm_slabs_at(&blocks->slabs, chunk_order[i].item);
        while (cell < cells && cell_order[cell].key < chunk->base)
            visit(context, &blocks->cells[cell_order[cell++].item]);
        for (u32 slot = 0; slot < chunk->fresh; slot++)
            if (chunk->records[slot].address != 0)
                visit(context, &chunk->records[slot]);
    }
    while (cell < cells)
        visit(context, &blocks->cells[cell_order[cell++].item]);
    pm_free(cell_order);
    pm_free(chunk_order);
}
