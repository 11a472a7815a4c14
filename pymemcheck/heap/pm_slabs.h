/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small blocks of the program: memory for them, and a record for each.

   Memory comes in regions and is divided into chunks of 64 KB. A chunk has slots of one size.
   Our own memory holds an array of records and a stack of free slots for it: 26 bytes for
   each slot, and only slots that were ever used take memory. So a block's address alone
   leads to its record, without a search, and a program that writes where it should not cannot
   damage our records.

   The next request of a size reuses the slot freed last. A chunk all of whose slots are free can
   be used for another size. Memory is never returned to the owner.

   A free slot can be held back: an old pointer to it, which nobody will use, would pass for a pointer to the
   slot's next block. */
#ifndef PM_SLABS_H
#define PM_SLABS_H

#include "base/pm_map.h"
#include "base/pm_types.h"
#include "heap/pm_block.h"

enum {
    PM_SLAB_GRAIN = 16,                 /* alignment of blocks */
    PM_SLAB_MAX_BYTES = 8192,           /* larger requests are not ours */
    PM_SLAB_CHUNK_BITS = 16,
    PM_SLAB_CHUNK_BYTES = 1 << PM_SLAB_CHUNK_BITS,
    PM_SLAB_REGION_CHUNKS = 16,
    PM_SLAB_CLASSES = 64,
    PM_SLAB_MOST_HELD = 4096,           /* slots held back */
    PM_SLAB_MOST_HELD_BYTES = 4 << 20,
};

/* One line of the processor's cache. */
struct pm_slab_chunk {
    u64 base;                   /* client address */
    struct pm_block *records;   /* address 0: the slot has no live block */
    u16 *free_slots;            /* freed slots, the last one at the end */
    u32 free_count;
    u32 fresh;                  /* slots from this one on were never used */
    u32 slots;                  /* 0: the chunk has no size now */
    u32 reciprocal;             /* of slot_bytes: slot = offset * reciprocal >> 32 */
    u32 slot_bytes;
    u32 class;
    struct pm_slab_chunk *next, *previous;  /* in the list of its class, if it has room */
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct pm_slab_chunk) == 64, "a chunk has one line of the cache");

struct pm_slab_region {
    struct pm_slab_chunk *chunks;   /* PM_SLAB_REGION_CHUNKS */
    void *memory;                   /* that they are in */
};

struct pm_slabs {
    /* Gets memory of the program at a multiple of alignment; 0: there is none. NULL: no slabs. */
    u64 (*get_memory)(void *context, u64 alignment, u64 bytes);
    void *context;
    struct pm_slab_chunk *with_room[PM_SLAB_CLASSES];   /* the first is used */
    struct pm_slab_chunk *spare;    /* without a size, linked by next */
    struct pm_slab_chunk ***table;  /* by the upper half of a chunk's number, then by the lower */
    struct pm_slab_region *regions;
    u32 count, capacity;            /* of regions */
    struct pm_map held;             /* address of a slot that is held back -> whether it was freed */
    u64 held_bytes;
};

void pm_slabs_init(struct pm_slabs *slabs,
                   u64 (*get_memory)(void *context, u64 alignment, u64 bytes), void *context);
/* The program's memory stays the owner's. */
void pm_slabs_release(struct pm_slabs *slabs);

/* Client address of a free slot for bytes, or 0. Its record must be filled in, or the slot freed,
   before the next call. */
u64 pm_slabs_allocate(struct pm_slabs *slabs, u64 bytes);
/* Frees a slot, whose record must have the address 0. */
void pm_slabs_free(struct pm_slabs *slabs, struct pm_slab_chunk *chunk, u32 slot);

/* All memory of slabs is from *from up to *to; between may be memory of others. Both are 0 if there is none. */
void pm_slabs_extent(const struct pm_slabs *slabs, u64 *from, u64 *to);

/* From now on nobody gets the slot that contains address, if that was used and is free, or waits to be freed. Holds back
   PM_SLAB_MOST_HELD slots and PM_SLAB_MOST_HELD_BYTES at most. */
void pm_slabs_hold_back(struct pm_slabs *slabs, u64 address);
/* Slots that are held back can be used again. */
void pm_slabs_hold_back_none(struct pm_slabs *slabs);

enum { PM_SLAB_TABLE_BITS = 15, PM_SLAB_TOP = 1 << 16 };

/* Chunk number index of all, below slabs->count * PM_SLAB_REGION_CHUNKS. */
static inline const struct pm_slab_chunk *pm_slabs_at(const struct pm_slabs *slabs, u32 index)
{
    return &slabs->regions[index / PM_SLAB_REGION_CHUNKS].chunks[index % PM_SLAB_REGION_CHUNKS];
}

/* The chunk that contains address, or NULL. */
static inline struct pm_slab_chunk *pm_slabs_chunk(const struct pm_slabs *slabs, u64 address)
{
    u64 number = address >> PM_SLAB_CHUNK_BITS, top = number >> PM_SLAB_TABLE_BITS;

    if (top >= PM_SLAB_TOP || slabs->table == NULL || slabs->table[top] == NULL)
        return NULL;
    return slabs->table[top][number & ((1u << PM_SLAB_TABLE_BITS) - 1)];
}

/* The number of the slot that contains address. */
static inline u32 pm_slabs_slot(const struct pm_slab_chunk *chunk, u64 address)
{
    return (u32)((address - chunk->base) * chunk->reciprocal >> 32);
}

/* The record of the slot that contains address, live or not; NULL if that slot was never
   used. */
static inline struct pm_block *pm_slabs_record(const struct pm_slab_chunk *chunk, u64 address)
{
    u32 slot = pm_slabs_slot(chunk, address);
    return slot < chunk->fresh ? &chunk->records[slot] : NULL;
}

#endif
