/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heap/pm_leak_weak.h"

#include "base/pm_platform.h"

enum { WORD = 8, CHUNK_ROWS = 4096, MAX_COUNT = (1 << 28) - 1, MAX_STRIDE = 15 };

void pm_leak_weak_init(struct pm_leak_weak *weak)
{
    *weak = (struct pm_leak_weak){ 0 };
}

void pm_leak_weak_release(struct pm_leak_weak *weak)
{
    for (u32 i = 0; i < weak->chunk_count; i++)
        pm_free(weak->chunks[i]);
    pm_free(weak->chunks);
    pm_ranks_release(&weak->blocks);
    pm_free(weak->first_rows);
    pm_leak_weak_init(weak);
}

static struct pm_leak_weak_row *row_at(const struct pm_leak_weak *weak, u32 row)
{
    return &weak->chunks[row / CHUNK_ROWS][row % CHUNK_ROWS];
}

static void add_row(struct pm_leak_weak *weak, const struct pm_leak_weak_row *row)
{
    if (weak->count == weak->chunk_count * CHUNK_ROWS) {
        weak->chunks = pm_realloc("pm.leaks.weak", weak->chunks,
                                  (weak->chunk_count + (size_t)1) * sizeof *weak->chunks);
        weak->chunks[weak->chunk_count++] = pm_alloc("pm.leaks.weak", CHUNK_ROWS * sizeof *row);
    }
    *row_at(weak, weak->count++) = *row;
}

static u64 first_word(const struct pm_leak_block *block)
{
    return ((u64)block->address + WORD - 1) & ~(u64)(WORD - 1);
}

/* Words that are too far apart for a row, or too many, become several rows. */
static void add_rows(struct pm_leak_weak *weak, struct pm_leak_weak_row row, u64 first, u64 left, u64 stride)
{
    while (left > 0 && first <= ~(u32)0) {
        const u64 most = stride <= MAX_STRIDE ? MAX_COUNT : 1, count = left < most ? left : most;
        row.first = (u32)first;
        row.count = count & MAX_COUNT;
        row.stride = (stride <= MAX_STRIDE ? stride : 1) & MAX_STRIDE;
        add_row(weak, &row);
        first += count * stride;
        left -= count;
    }
}

/* Where no aligned word is weak there is nothing to add. */
void pm_leak_weak_add(struct pm_leak_weak *weak, const struct pm_leaks *leaks, u32 owner,
                      u64 memory, u64 first, u64 end, u32 stride)
{
    const u32 at = pm_leaks_block_at(leaks, memory);

    PM_ASSERT(stride > 0 && stride % WORD == 0);
    if (at == PM_LEAK_NONE || first % WORD != 0)
        return;
    const struct pm_leak_block *block = &leaks->blocks[at];
    const u64 start = first_word(block), block_end = (u64)block->address + block->bytes;
    if (end > block_end)
        end = block_end;
    if (first >= start && first < end)
        add_rows(weak, (struct pm_leak_weak_row){ .block = at, .owner = owner }, (first - start) / WORD,
                 (end - first + stride - 1) / stride, stride / WORD);
}

static bool counts(const struct pm_leak_weak_row *row, const struct pm_leaks *leaks)
{
    return row->owner == PM_LEAK_NONE || (leaks->blocks[row->owner].flags & PM_LEAK_OBJECT);
}

void pm_leak_weak_bind(struct pm_leak_weak *weak, struct pm_leaks *leaks)
{
    pm_ranks_release(&weak->blocks);
    pm_free(weak->first_rows);
    pm_ranks_init(&weak->blocks, leaks->block_count);
    for (u32 i = 0; i < weak->count; i++)
        if (counts(row_at(weak, i), leaks))
            pm_ranks_set(&weak->blocks, row_at(weak, i)->block);
    pm_ranks_finish(&weak->blocks, leaks->block_count);
    weak->first_rows = pm_alloc_zero("pm.leaks.weak", (weak->blocks.count + (size_t)1) * sizeof *weak->first_rows);
    for (u32 i = 0; i < weak->count; i++) {
        struct pm_leak_weak_row *row = row_at(weak, i);
        if (!counts(row, leaks))
            continue;
        u32 *first = &weak->first_rows[pm_ranks_rank(&weak->blocks, row->block)];
        leaks->blocks[row->block].flags |= PM_LEAK_WEAK_WORDS;
        row->owner = *first;
        *first = i + 1;
    }
}

bool pm_leak_weak_holds(const struct pm_leak_weak *weak, const struct pm_leaks *leaks, u32 block, u64 address)
{
    const u64 word = (address - first_word(&leaks->blocks[block])) / WORD;

    if (!pm_ranks_has(&weak->blocks, block))
        return false;
    for (u32 row = weak->first_rows[pm_ranks_rank(&weak->blocks, block)]; row != 0;) {
        const struct pm_leak_weak_row *at = row_at(weak, row - 1);
        if (word >= at->first && word - at->first < (u64)at->count * at->stride && (word - at->first) % at->stride == 0)
            return true;
        row = at->owner;
    }
    return false;
}
