/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heap/pm_leak_index.h"

#include "base/pm_platform.h"

static u64 page_of(u64 address)
{
    return address >> PM_LEAK_INDEX_PAGE_BITS;
}

/* Counts the pages that blocks touch, and those that several blocks touch. */
static void count_pages(u32 count,
                        struct pm_leak_extent (*extent)(const void *context, u32 block),
                        const void *context, u64 *pages, u64 *shared)
{
    u64 last = 0;
    bool last_is_shared = false;

    *pages = *shared = 0;
    for (u32 i = 0; i < count; i++) {
        struct pm_leak_extent block = extent(context, i);
        u64 from = page_of(block.start), to = page_of(block.end - 1);
        bool shares = i > 0 && from == last;

        *shared += shares && !last_is_shared;
        *pages += to - from + !shares;
        last_is_shared = shares && to == from;
        last = to;
    }
}

static void fill(u8 *list, u32 from, u32 to, u32 behind)
{
    for (u32 i = from; i < to; i++)
        list[i] = (u8)(behind < PM_LEAK_INDEX_MANY ? behind : PM_LEAK_INDEX_MANY);
}

void pm_leak_index_make(struct pm_leak_index *index, struct pm_reader *reader, u32 count,
                        struct pm_leak_extent (*extent)(const void *context, u32 block),
                        const void *context)
{
    u64 pages, shared, cells = 16;
    u32 lists = 0, filled = 0;
    struct pm_leak_index_page *last = NULL;

    *index = (struct pm_leak_index){ .shift = 60 };
    count_pages(count, extent, context, &pages, &shared);
    while (cells < 2 * pages) {
        cells *= 2;
        index->shift--;
    }
    index->mask = cells - 1;
    index->pages = pm_alloc_zero("pm.leaks.pages", cells * sizeof *index->pages);
    index->lists = pm_alloc("pm.leaks.lists", shared * PM_LEAK_INDEX_GRANULES + 1);
    if (count > 0) {
        index->low = extent(context, 0).start;
        index->span = extent(context, count - 1).end - index->low;
    }
    for (u32 i = 0; i < count; i++) {
        struct pm_leak_extent block = extent(context, i);
        u64 page = page_of(block.start), end = page_of(block.end - 1);

        PM_ASSERT(i == 0 || block.start >= extent(context, i - 1).end);
        if (last != NULL && last->number == page + 1) {
            u32 granule = (u32)(block.start >> PM_LEAK_INDEX_GRANULE_BITS
                                & (PM_LEAK_INDEX_GRANULES - 1));
            u8 *list;
            if (last->list == PM_LEAK_INDEX_NO_LIST) {
                last->list = lists++;
                filled = 0;
            }
            list = index->lists + (u64)last->list * PM_LEAK_INDEX_GRANULES;
            /* Up to here the last block is the one before. */
            fill(list, filled, granule, i - 1 - last->block);
            fill(list, granule, granule + 1, i - last->block);
            filled = granule + 1;
            if (end == page && i + 1 < count && page_of(extent(context, i + 1).start) == page)
                continue;
            fill(list, filled, PM_LEAK_INDEX_GRANULES, i - last->block);
            page++;
        }
        for (; page <= end; page++) {
            last = (struct pm_leak_index_page *)
                pm_leak_index_page(index, page << PM_LEAK_INDEX_PAGE_BITS);
            *last = (struct pm_leak_index_page){
                page + 1, pm_reader_page(reader, page), i, PM_LEAK_INDEX_NO_LIST };
        }
    }
    PM_ASSERT(lists == shared);
}

void pm_leak_index_widen(struct pm_leak_index *index, u64 from, u64 to)
{
    /* Without blocks nothing leads anywhere, so no range is looked at. */
    if (from >= to || index->span == 0)
        return;
    const u64 end = index->low + index->span;
    index->low = from < index->low ? from : index->low;
    index->span = (to > end ? to : end) - index->low;
}

void pm_leak_index_release(struct pm_leak_index *index)
{
    pm_free(index->pages);
    pm_free(index->lists);
    *index = (struct pm_leak_index){ 0 };
}
