/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every live block by its address: open addressing with linear probing, 24
   bytes an entry. The table grows by a half when 7/8 full, so a live block
   costs less than 42 bytes of it; removal shifts back and leaves no
   tombstones. */
#ifndef PM_BLOCKS_H
#define PM_BLOCKS_H

#include "base/pm_types.h"
#include "heap/pm_stacks.h"

enum pm_block_origin {
    PM_BLOCK_MALLOC,
    PM_BLOCK_NEW,
    PM_BLOCK_NEW_ARRAY,
};

#define PM_BLOCK_PADDING_UNIT 8     /* bytes in one unit of padding_units */
#define PM_BLOCK_MAX_PADDING (31 * PM_BLOCK_PADDING_UNIT)

struct pm_block {
    u64 address;            /* 0: empty slot */
    u64 bytes : 44;         /* as malloc was asked, padding included */
    u64 padding_units : 5;
    u64 origin : 2;         /* enum pm_block_origin */
    u64 is_code : 1;        /* holds a code object that a frame cache names */
    u64 thread : 12;        /* ordinal of the allocating thread, from 1; 4095 and later share one */
    u64 stack : 28;
    u64 serial : 36;        /* number of the allocation, from 1 */
};

struct pm_blocks {
    struct pm_block *slots;
    u64 capacity, count, limit;
};

void pm_blocks_init(struct pm_blocks *blocks);
void pm_blocks_release(struct pm_blocks *blocks);

/* Says that address will be inserted soon: its slot, which is rarely in the
   processor's cache, is fetched meanwhile. Changes nothing. */
void pm_blocks_expect(const struct pm_blocks *blocks, u64 address);

/* Adds *block; its address must not be there. */
void pm_blocks_insert(struct pm_blocks *blocks, const struct pm_block *block);
/* The block that starts at address, or NULL. Valid until the next insert or
   remove. */
struct pm_block *pm_blocks_find(const struct pm_blocks *blocks, u64 address);
/* Removes the block that starts at address into *removed; false if none. */
bool pm_blocks_remove(struct pm_blocks *blocks, u64 address, struct pm_block *removed);

/* Calls visit for each block in unspecified order; nothing may be added or
   removed meanwhile. */
void pm_blocks_each(const struct pm_blocks *blocks,
                    void (*visit)(void *context, struct pm_block *block), void *context);

static inline u64 pm_block_padding_bytes(const struct pm_block *block)
{
    return (u64)block->padding_units * PM_BLOCK_PADDING_UNIT;
}

static inline u64 pm_block_requested_bytes(const struct pm_block *block)
{
    return block->bytes - pm_block_padding_bytes(block);
}

#endif
