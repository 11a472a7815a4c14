/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blocks of the program's own allocators, as it tells of them by Valgrind's client requests (valgrind.h):
   blocks like malloc's (MALLOCLIKE), and blocks in memory pools. Each pool has a table of its own: a block of one may
   lie in a block of another (metapools), and all lie in memory that may itself be a block of malloc's.

   A block has struct pm_block as all others have, of the origin PM_BLOCK_CUSTOM. Ownership: of all that is here. Cost: a
   map look-up for the pool, one for the block. */
#ifndef PM_CUSTOM_BLOCKS_H
#define PM_CUSTOM_BLOCKS_H

#include "base/pm_map.h"
#include "base/pm_types.h"
#include "heap/pm_block.h"

/* Blocks like malloc's are in a pool that is always there. No pool of the program has this address. */
#define PM_CUSTOM_MALLOCLIKE 0

struct pm_custom_pool {
    u64 address;            /* of one that is not used: 1 + the number of the next such one, or 0 */
    bool used;
    bool auto_free;         /* a block that is freed frees the blocks like malloc's in it */
    struct pm_map blocks;   /* address -> number of the block */
};

struct pm_custom_blocks {
    struct pm_custom_pool *pools;
    u32 pool_count, first_free_pool;    /* first_free_pool: 1 + its number, or 0 */
    struct pm_map by_address;   /* of a pool -> its number */
    struct pm_block *blocks;    /* address 0: free, and serial is 1 + the number of the next free one */
    u32 block_count, capacity, first_free;  /* first_free: 1 + its number, or 0 */
    u64 live;                   /* blocks in all pools */
};

void pm_custom_blocks_init(struct pm_custom_blocks *custom);
void pm_custom_blocks_release(struct pm_custom_blocks *custom);

/* The pool of that address, or NULL. Valid until a pool is made. */
struct pm_custom_pool *pm_custom_pool_at(struct pm_custom_blocks *custom, u64 address);
/* Makes a pool; one that is there is emptied. */
void pm_custom_pool_create(struct pm_custom_blocks *custom, u64 address, bool auto_free);
/* Forgets a pool and its blocks; false if there is none. */
bool pm_custom_pool_destroy(struct pm_custom_blocks *custom, u64 address);
/* False if there is no pool from. One that is at to is forgotten. */
bool pm_custom_pool_move(struct pm_custom_blocks *custom, u64 from, u64 to);

/* The block of the pool that starts at address, or NULL. Valid until the next insert. */
struct pm_block *pm_custom_pool_find(struct pm_custom_blocks *custom, const struct pm_custom_pool *pool,
                                     u64 address);
/* Adds *block to the pool, in place of one that starts there. */
void pm_custom_pool_insert(struct pm_custom_blocks *custom, struct pm_custom_pool *pool,
                           const struct pm_block *block);
/* Removes the block that starts at address into *removed; false if there is none. */
bool pm_custom_pool_remove(struct pm_custom_blocks *custom, struct pm_custom_pool *pool, u64 address,
                           struct pm_block *removed);
/* Leaves of each block of the pool what is in [start, start + bytes), and calls visit for those that are gone. visit may
   not change the pool. */
void pm_custom_pool_trim(struct pm_custom_blocks *custom, struct pm_custom_pool *pool, u64 start, u64 bytes,
                         void (*visit)(void *context, const struct pm_block *block), void *context);
/* Removes the blocks of the pool that are in [start, start + bytes), and calls visit for each, as above. */
void pm_custom_pool_clear(struct pm_custom_blocks *custom, struct pm_custom_pool *pool, u64 start, u64 bytes,
                          void (*visit)(void *context, const struct pm_block *block), void *context);

/* Calls visit for each block of all pools, in unspecified order; nothing may be added or removed meanwhile. */
void pm_custom_blocks_each(const struct pm_custom_blocks *custom,
                           void (*visit)(void *context, struct pm_block *block), void *context);

/* Of count blocks of all origins, by ascending address, leaves those of which none overlaps the next, and returns how
   many. As Memcheck's leak search (find_active_chunks and detect_memory_leaks in memcheck/mc_leakcheck.c, 3.19), a
   block of malloc's gives way to a custom one in it, and a custom one to another in it. */
u32 pm_custom_blocks_resolve(struct pm_block *blocks, u32 count);

#endif
