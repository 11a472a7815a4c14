/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every live block by its address. Small blocks have a record beside their memory
   (pm_slabs.h). The others are in a hash table: open addressing with linear probing, 24 bytes a
   cell. The table grows by a half when it is 7/8 full, so a live block costs less than 42 bytes
   of it. Removal shifts blocks back and leaves no tombstones. */
#ifndef PM_BLOCKS_H
#define PM_BLOCKS_H

#include "base/pm_types.h"
#include "heap/pm_block.h"
#include "heap/pm_slabs.h"

struct pm_blocks {
    u64 count;                      /* of all live blocks */
    struct pm_slabs slabs;
    struct pm_block *cells;         /* of the table */
    u64 capacity, in_table, limit;
};

void pm_blocks_init(struct pm_blocks *blocks);
void pm_blocks_release(struct pm_blocks *blocks);

/* Memory of the program for a block of bytes, which must be inserted next. 0: there is none here,
   and the block must go elsewhere. Needs pm_slabs_init. */
static inline u64 pm_blocks_allocate(struct pm_blocks *blocks, u64 bytes)
{
    return bytes <= PM_SLAB_MAX_BYTES ? pm_slabs_allocate(&blocks->slabs, bytes) : 0;
}

/* Prefetches the cell of address, which will be inserted soon and is rarely in the processor's
   cache. Changes nothing. */
void pm_blocks_prefetch(const struct pm_blocks *blocks, u64 address);

/* Adds *block; its address must not be there. */
void pm_blocks_insert(struct pm_blocks *blocks, const struct pm_block *block);
/* The block that starts at address, or NULL. Valid until the next insert or
   remove. It may be changed in place, but for its address. */
struct pm_block *pm_blocks_find(const struct pm_blocks *blocks, u64 address);
/* The live block in slabs that contains address, or NULL. Sets *in_slabs if address is in memory
   of slabs; if not, a block may contain it all the same. */
static inline struct pm_block *pm_blocks_around(const struct pm_blocks *blocks, u64 address,
                                                bool *in_slabs)
{
    const struct pm_slab_chunk *chunk = pm_slabs_chunk(&blocks->slabs, address);

    *in_slabs = chunk != NULL;
    if (chunk == NULL)
        return NULL;
    struct pm_block *record = pm_slabs_record(chunk, address);
    return record != NULL && record->address != 0 ? record : NULL;
}
/* The block whose memory may contain address, or NULL: the caller compares it with bytes. Cost outside of slabs: a look
   at each block there. Valid as above. */
const struct pm_block *pm_blocks_holding(const struct pm_blocks *blocks, u64 address);
/* Removes the block that starts at address into *removed; false if none. */
bool pm_blocks_remove(struct pm_blocks *blocks, u64 address, struct pm_block *removed);
/* Removes a block that was found. If its memory came from pm_blocks_allocate, frees the memory too,
   and returns its size; else returns 0. */
u64 pm_blocks_remove_found(struct pm_blocks *blocks, struct pm_block *found);
/* Removes a block that was found, but frees no memory. Where the program can no longer use it, it is never
   handed out again. */
void pm_blocks_retire_found(struct pm_blocks *blocks, struct pm_block *found);
/* Frees the memory of a block that was retired. False if it did not come from
   pm_blocks_allocate. */
bool pm_blocks_free_retired(struct pm_blocks *blocks, u64 address);
/* How many bytes the live block that starts at address can hold. 0: it is not in slabs. */
u64 pm_blocks_slab_bytes(const struct pm_blocks *blocks, u64 address);

/* Calls visit for each block in unspecified order; nothing may be added or
   removed meanwhile. */
void pm_blocks_each(const struct pm_blocks *blocks,
                    void (*visit)(void *context, struct pm_block *block), void *context);

/* The same by ascending addresses. Cost: a sort of chunks of slabs, and of the blocks outside of them, with 32 bytes
   for each of these. */
void pm_blocks_each_ascending(const struct pm_blocks *blocks,
                              void (*visit)(void *context, struct pm_block *block), void *context);

#endif
