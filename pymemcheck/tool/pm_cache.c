/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A block of class c holds at least (c + 1) * 16 bytes: so many are asked of the core, and a
   freed block's class goes by what the core says it holds. */
#include "pub_tool_basics.h"
#include "pub_tool_mallocfree.h"
#include "pub_tool_replacemalloc.h"

#include "tool/pm_cache.h"

/* PM_CACHE_CLASSES or more: not kept. Requests of 0 bytes share the first. */
static inline u64 class_of(u64 bytes)
{
    return bytes == 0 ? 0 : (bytes - 1) / PM_CACHE_GRAIN;
}

void *pm_cache_malloc(struct pm_cache *cache, u64 bytes)
{
    u64 class = class_of(bytes);

    if (class >= PM_CACHE_CLASSES || VG_(clo_alignment) != PM_CACHE_GRAIN)
        return VG_(cli_malloc)(VG_(clo_alignment), bytes);
    if (cache->counts[class] > 0)
        return cache->blocks[class][--cache->counts[class]];
    return VG_(cli_malloc)(PM_CACHE_GRAIN, (class + 1) * PM_CACHE_GRAIN);
}

void pm_cache_free(struct pm_cache *cache, void *memory)
{
    /* Less than one grain wraps round to no class at all. */
    u64 class = VG_(cli_malloc_usable_size)(memory) / PM_CACHE_GRAIN - 1;

    if (class < PM_CACHE_CLASSES && cache->counts[class] < PM_CACHE_DEPTH
            && VG_(clo_alignment) == PM_CACHE_GRAIN)
        cache->blocks[class][cache->counts[class]++] = memory;
    else
        VG_(cli_free)(memory);
}
