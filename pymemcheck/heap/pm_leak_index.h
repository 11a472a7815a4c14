/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which block holds an address: what the leak search asks for every word that it
   looks at.

   Pages of 4 KB that blocks touch are in a hash table, which names the first block
   in the page. A page of several blocks has a list as well: for each 16 bytes of
   the page, how many blocks after the first one the last block is that starts before
   they end. With malloc's alignment that is the one block to compare with. The
   table says also where the page's bytes are.

   Made once, for blocks that do not change any more. Cost: linear in blocks and
   in pages that they touch; a look-up is two loads. At most 48 bytes for each
   page, 256 more with a list. */
#ifndef PM_LEAK_INDEX_H
#define PM_LEAK_INDEX_H

#include "base/pm_reader.h"
#include "base/pm_types.h"

#define PM_LEAK_INDEX_PAGE_BITS 12
#define PM_LEAK_INDEX_GRANULE_BITS 4
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
    u64 low, span;      /* all blocks are in low .. low + span - 1 */
    struct pm_leak_index_page *pages;
    u32 shift;          /* of the hash: 64 - log2 of the cells */
    u64 mask;           /* cells - 1 */
    u8 *lists;          /* PM_LEAK_INDEX_GRANULES each; PM_LEAK_INDEX_MANY: or one behind it */
};

/* A block's bytes are start .. end - 1, with at least one. */
struct pm_leak_extent {
    u64 start, end;
};

/* extent gives the block of a number; ascending, without overlap. */
void pm_leak_index_make(struct pm_leak_index *index, struct pm_reader *reader, u32 count,
                        struct pm_leak_extent (*extent)(const void *context, u32 block),
                        const void *context);
void pm_leak_index_release(struct pm_leak_index *index);

static inline bool pm_leak_index_may_hold(const struct pm_leak_index *index, u64 address)
{
    return address - index->low < index->span;
}

/* Where the page's cell is, or the empty one in its place. */
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

/* The entry of a page's list for address. Only for a page with a list. */
static inline const u8 *pm_leak_index_entry(const struct pm_leak_index *index,
                                            const struct pm_leak_index_page *page, u64 address)
{
    u64 granule = address >> PM_LEAK_INDEX_GRANULE_BITS & (PM_LEAK_INDEX_GRANULES - 1);
    return &index->lists[(u64)page->list * PM_LEAK_INDEX_GRANULES + granule];
}

#endif
