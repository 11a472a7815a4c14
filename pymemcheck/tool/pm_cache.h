/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Freed small blocks of the program, kept for the next request of their size.

   The core's allocator searches, splits and joins; programs mostly ask again
   for the size that they just freed. The addresses are kept here and not in
   the blocks, so a program that writes to freed memory cannot harm us. */
#ifndef PM_CACHE_H
#define PM_CACHE_H

#include "base/pm_types.h"

enum {
    PM_CACHE_GRAIN = 16,            /* the core's alignment of blocks on amd64 */
    PM_CACHE_CLASSES = 32,          /* blocks of up to 32 * 16 bytes are kept */
    PM_CACHE_DEPTH = 64,            /* at most so many of each size */
};

struct pm_cache {
    u32 counts[PM_CACHE_CLASSES];
    void *blocks[PM_CACHE_CLASSES][PM_CACHE_DEPTH];
};

/* A block of the program for bytes at the default alignment, or NULL. */
void *pm_cache_malloc(struct pm_cache *cache, u64 bytes);

/* Takes back a block of the program, from pm_cache_malloc or the core. */
void pm_cache_free(struct pm_cache *cache, void *memory);

#endif
