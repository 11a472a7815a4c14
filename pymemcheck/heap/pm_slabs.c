/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sizes grow by 16 bytes up to 512, then in eight steps for each doubling. */
#include "heap/pm_slabs.h"

#include "base/pm_platform.h"

enum { FINE_BYTES = 512, FINE_CLASSES = FINE_BYTES / PM_SLAB_GRAIN, FINE_BITS = 9 };

static inline u32 class_of(u64 bytes)
{
    if (bytes <= FINE_BYTES)
        return bytes == 0 ? 0 : (u32)(bytes - 1) / PM_SLAB_GRAIN;
    u32 bits = 63 - (u32)__builtin_clzll(bytes - 1);
    return FINE_CLASSES + (bits - FINE_BITS) * 8 + ((u32)(bytes - 1) >> (bits - 3) & 7);
}

static u32 bytes_of(u32 class)
{
    if (class < FINE_CLASSES)
        return (class + 1) * PM_SLAB_GRAIN;
    u32 doublings = (class - FINE_CLASSES) / 8, step = (class - FINE_CLASSES) % 8;
    return (9 + step) << (FINE_BITS - 3 + doublings);
}

void pm_slabs_init(struct pm_slabs *slabs,
                   u64 (*get_memory)(void *context, u64 alignment, u64 bytes), void *context)
{
    *slabs = (struct pm_slabs){ .get_memory = get_memory, .context = context };
    pm_map_init(&slabs->held);
    if (get_memory != NULL)
        slabs->table = pm_alloc_zero("pm.slabs", PM_SLAB_TOP * sizeof *slabs->table);
}

static void drop_records(struct pm_slab_chunk *chunk)
{
    pm_free(chunk->records);
    pm_free(chunk->free_slots);
    *chunk = (struct pm_slab_chunk){ .base = chunk->base };
}

void pm_slabs_release(struct pm_slabs *slabs)
{
    for (u32 i = 0; i < slabs->count; i++) {
        for (u32 number = 0; number < PM_SLAB_REGION_CHUNKS; number++)
            drop_records(&slabs->regions[i].chunks[number]);
        pm_free(slabs->regions[i].memory);
    }
    for (u32 top = 0; slabs->table != NULL && top < PM_SLAB_TOP; top++)
        pm_free(slabs->table[top]);
    pm_free(slabs->table);
    pm_free(slabs->regions);
    pm_map_release(&slabs->held);
    *slabs = (struct pm_slabs){ 0 };
}

static void add_chunk(struct pm_slabs *slabs, struct pm_slab_chunk *chunk, u64 base)
{
    u64 number = base >> PM_SLAB_CHUNK_BITS, top = number >> PM_SLAB_TABLE_BITS;

    *chunk = (struct pm_slab_chunk){ .base = base, .next = slabs->spare };
    slabs->spare = chunk;
    PM_ASSERT(top < PM_SLAB_TOP);
    if (slabs->table[top] == NULL)
        slabs->table[top] = pm_alloc_zero("pm.slabs",
                                          sizeof *slabs->table[top] << PM_SLAB_TABLE_BITS);
    slabs->table[top][number & ((1u << PM_SLAB_TABLE_BITS) - 1)] = chunk;
}

/* Room for a region's chunks. */
static struct pm_slab_chunk *make_chunks(struct pm_slabs *slabs)
{
    const size_t line = sizeof(struct pm_slab_chunk);
    void *memory = pm_alloc("pm.slabs", (PM_SLAB_REGION_CHUNKS + 1) * line);

    if (slabs->count == slabs->capacity) {
        slabs->capacity = slabs->capacity != 0 ? 2 * slabs->capacity : 16;
        slabs->regions = pm_realloc("pm.slabs", slabs->regions,
                                    slabs->capacity * sizeof *slabs->regions);
    }
    struct pm_slab_region *region = &slabs->regions[slabs->count++];
    *region = (struct pm_slab_region){ pm_align(memory, line), memory };
    return region->chunks;
}

/* False if there is no memory. */
static bool get_region(struct pm_slabs *slabs)
{
    u64 region = slabs->get_memory(slabs->context, PM_SLAB_CHUNK_BYTES,
                                   PM_SLAB_REGION_CHUNKS * PM_SLAB_CHUNK_BYTES);

    if (region == 0)
        return false;
    struct pm_slab_chunk *chunks = make_chunks(slabs);
    for (u32 i = PM_SLAB_REGION_CHUNKS; i-- > 0;)
        add_chunk(slabs, &chunks[i], region + i * PM_SLAB_CHUNK_BYTES);
    return true;
}

/* Whether a chunk has a free slot. If so, it is in the list of its class. */
static bool has_room(const struct pm_slab_chunk *chunk)
{
    return chunk->free_count > 0 || chunk->fresh < chunk->slots;
}

static void link_chunk(struct pm_slabs *slabs, struct pm_slab_chunk *chunk)
{
    struct pm_slab_chunk **first = &slabs->with_room[chunk->class];

    chunk->previous = NULL;
    chunk->next = *first;
    if (*first != NULL)
        (*first)->previous = chunk;
    *first = chunk;
}

static void unlink_chunk(struct pm_slabs *slabs, struct pm_slab_chunk *chunk)
{
    if (chunk->previous != NULL)
        chunk->previous->next = chunk->next;
    else
        slabs->with_room[chunk->class] = chunk->next;
    if (chunk->next != NULL)
        chunk->next->previous = chunk->previous;
}

/* A chunk with room for the class, first in its list; NULL if there is no memory. */
static struct pm_slab_chunk *open_chunk(struct pm_slabs *slabs, u32 class)
{
    if (slabs->get_memory == NULL || (slabs->spare == NULL && !get_region(slabs)))
        return NULL;
    struct pm_slab_chunk *chunk = slabs->spare;
    slabs->spare = chunk->next;
    chunk->class = class;
    chunk->slot_bytes = bytes_of(class);
    chunk->slots = PM_SLAB_CHUNK_BYTES / chunk->slot_bytes;
    chunk->reciprocal = (u32)(((u64)1 << 32) / chunk->slot_bytes + 1);
    chunk->records = pm_alloc("pm.blocks", chunk->slots * sizeof *chunk->records);
    chunk->free_slots = pm_alloc("pm.blocks", chunk->slots * sizeof *chunk->free_slots);
    link_chunk(slabs, chunk);
    return chunk;
}

u64 pm_slabs_allocate(struct pm_slabs *slabs, u64 bytes)
{
    u32 class = class_of(bytes);
    struct pm_slab_chunk *chunk = slabs->with_room[class];
    u32 slot;

    if (chunk == NULL && (chunk = open_chunk(slabs, class)) == NULL)
        return 0;
    if (chunk->free_count > 0)
        slot = chunk->free_slots[--chunk->free_count];
    else
        slot = chunk->fresh++;
    chunk->records[slot].address = 0;       /* fetches the record, too */
    if (!has_room(chunk))
        unlink_chunk(slabs, chunk);
    return chunk->base + (u64)slot * chunk->slot_bytes;
}

enum { HELD_WAITS, HELD_FREE };        /* values of held: will be freed; is free */

/* Whether a slot that is freed is held back. */
static bool stays_held(struct pm_slabs *slabs, u64 slot)
{
    u64 *held = pm_map_get(&slabs->held, slot);

    if (held != NULL)
        *held = HELD_FREE;
    return held != NULL;
}

/* Takes a slot out of a chunk's free ones; false if it is none of them. */
static bool take_free_slot(struct pm_slabs *slabs, struct pm_slab_chunk *chunk, u32 slot)
{
    u32 i = 0;

    while (i < chunk->free_count && chunk->free_slots[i] != slot)
        i++;
    if (i == chunk->free_count)
        return false;
    chunk->free_slots[i] = chunk->free_slots[--chunk->free_count];
    if (!has_room(chunk))
        unlink_chunk(slabs, chunk);
    return true;
}

void pm_slabs_extent(const struct pm_slabs *slabs, u64 *from, u64 *to)
{
    *from = *to = 0;
    for (u32 i = 0; i < slabs->count; i++) {
        const u64 first = slabs->regions[i].chunks[0].base;
        const u64 end = first + PM_SLAB_REGION_CHUNKS * PM_SLAB_CHUNK_BYTES;
        *from = i == 0 || first < *from ? first : *from;
        *to = end > *to ? end : *to;
    }
}

void pm_slabs_hold_back(struct pm_slabs *slabs, u64 address)
{
    struct pm_slab_chunk *chunk = pm_slabs_chunk(slabs, address);
    const u32 slot = chunk != NULL ? pm_slabs_slot(chunk, address) : 0;

    if (chunk == NULL || slot >= chunk->fresh || chunk->records[slot].address != 0
            || slabs->held.count >= PM_SLAB_MOST_HELD
            || slabs->held_bytes + chunk->slot_bytes > PM_SLAB_MOST_HELD_BYTES)
        return;
    const u64 start = chunk->base + (u64)slot * chunk->slot_bytes;
    if (pm_map_get(&slabs->held, start) != NULL)
        return;
    pm_map_put(&slabs->held, start, take_free_slot(slabs, chunk, slot) ? HELD_FREE : HELD_WAITS);
    slabs->held_bytes += chunk->slot_bytes;
}

void pm_slabs_hold_back_none(struct pm_slabs *slabs)
{
    struct pm_map held = slabs->held;

    if (held.count == 0)
        return;
    pm_map_init(&slabs->held);
    slabs->held_bytes = 0;
    for (u64 cell = 0; cell <= held.mask; cell++) {
        const struct pm_map_entry *entry = &held.entries[cell];
        if (entry->value == HELD_FREE) {
            struct pm_slab_chunk *chunk = pm_slabs_chunk(slabs, entry->key);
            pm_slabs_free(slabs, chunk, pm_slabs_slot(chunk, entry->key));
        }
    }
    pm_map_release(&held);
}

void pm_slabs_free(struct pm_slabs *slabs, struct pm_slab_chunk *chunk, u32 slot)
{
    if (__builtin_expect(slabs->held.count != 0, 0)
            && stays_held(slabs, chunk->base + (u64)slot * chunk->slot_bytes))
        return;
    if (!has_room(chunk))
        link_chunk(slabs, chunk);
    chunk->free_slots[chunk->free_count++] = (u16)slot;
    /* The only chunk of a size with room stays: the size will be asked for again soon. */
    if (chunk->free_count == chunk->fresh
            && (chunk->next != NULL || chunk->previous != NULL)) {
        unlink_chunk(slabs, chunk);
        drop_records(chunk);
        chunk->next = slabs->spare;
        slabs->spare = chunk;
    }
}
