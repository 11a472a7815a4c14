/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which block holds an address. The leak search asks this for every word that it looks at.

   A hash table has the pages of 4 KB that blocks touch, each with the first block in it and
   the place of its bytes. A page with several blocks also has a list. For each 32 bytes
   of the page, the list counts the blocks from the first one to the last one that starts
   before these bytes end. That block, or one shortly before it, is the one to compare with.

   Made once; the blocks must not change afterwards. Cost: linear in blocks and in the pages
   that they touch; a look-up is two loads. At most 96 bytes for each page, 128 more with a
   list. */
#ifndef PM_LEAK_INDEX_H
#define PM_LEAK_INDEX_H

#include "base/pm_reader.h"
#include "base/pm_types.h"

#define PM_LEAK_INDEX_PAGE_BITS 12
#define PM_LEAK_INDEX_GRANULE_BITS 5
#define PM_LEAK_INDEX_GRANULES (1u << (PM_LEAK_INDEX_PAGE_BITS - PM_LEAK_INDEX_GRANULE_BITS))
#define PM_LEAK_INDEX_NO_LIST 0xffffffffu
#define PM_LEAK_INDEX_MANY 255u

struct pm_leak_index_page {
    u64 number;         /* address >> PM_LEAK_INDEX_PAGE_BITS, plus 1; 0: empty cell */
    const u8 *bytes;    /* as pm_reader_page gives them */
    u32 block;          /* the first one that touches the page */
    u32 list;           /* which list, or PM_LEAK_INDEX_NO_LIST */
};

struct pm_leak_index {
    u64 low, span;      /* low .. low + span - 1 holds all blocks, and what else is asked for */
    struct pm_leak_index_page *pages;
    u32 shift;          /* of the hash: 64 - log2 of the cells */
    u64 mask;           /* cells - 1 */
    u8 *lists;          /* PM_LEAK_INDEX_GRANULES each; PM_LEAK_INDEX_MANY: so many, or more */
};

/* A block's bytes are start .. end - 1; at least one. */
struct pm_leak_extent {
    u64 start, end;
};

/* extent tells where a block is; blocks ascend and do not overlap. */
void pm_leak_index_make(struct pm_leak_index *index, struct pm_reader *reader, u32 count,
                        struct pm_leak_extent (*extent)(const void *context, u32 block),
                        const void *context);
void pm_leak_index_release(struct pm_leak_index *index);

/* Addresses from .. to - 1 may hold something, too: outside of blocks they lead to empty cells. */
void pm_leak_index_widen(struct pm_leak_index *index, u64 from, u64 to);

static inline bool pm_leak_index_may_hold(const struct pm_leak_index *index, u64 address)
{
    return address - index->low < index->span;
}

/* The cell of the page that address is in; an empty cell if no block touches it. */
static inline const struct pm_leak_index_page *
pm_leak_index_page(const struct pm_leak_index *index, u64 address)
{
    u64 number = (address >> PM_LEAK_INDEX_PAGE_BITS) + 1;
    /* Neighbours must not share a cell: Fibonacci hashing. */
    u64 cell = number * 0x9e3779b97f4a7c15ull >> index->shift;

    while (index->pages[cell].number != number && index->pages[cell].number != 0)
        cell = (cell + 1) & index->mask;
    return &index->pages[cell];
}

/* The list's entry for address. The page must have a list. */
static inline const u8 *pm_leak_index_entry(const struct pm_leak_index *index,
                                            const struct pm_leak_index_page *page, u64 address)
{
    u64 granule = address >> PM_LEAK_INDEX_GRANULE_BITS & (PM_LEAK_INDEX_GRANULES - 1);
    return &index->lists[(u64)page->list * PM_LEAK_INDEX_GRANULES + granule];
}

#endif
