/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Weak words: words in blocks that hold addresses and are no references. They are added as
   rows of words at equal distances, and then found by their block.

   Order of calls: pm_leak_weak_init; pm_leak_weak_add for each row, once leaks->blocks have addresses and sizes;
   pm_leak_weak_bind before pm_leaks_search, with pm_leak_weak_holds in is_weak;
   pm_leak_weak_release. Cost: 16 bytes for each row, 4 for each block with rows, two bits for each block; a
   binary search for each row; a few compares for each question. */
#ifndef PM_LEAK_WEAK_H
#define PM_LEAK_WEAK_H

#include "base/pm_types.h"
#include "heap/pm_leaks.h"

/* In words of 8 bytes: first, first + stride ..., before first + count * stride. */
struct pm_leak_weak_row {
    u32 block;
    u32 owner;              /* index of the block with the object that the row is of; once bound, the next
                               row of the same block + 1, or 0 */
    u32 first;              /* of the block's aligned words */
    u32 count : 28, stride : 4;
};

struct pm_leak_weak {
    struct pm_leak_weak_row **chunks;   /* rows stay where they are */
    u32 count, chunk_count;
    struct pm_ranks blocks; /* that have rows */
    u32 *first_rows;        /* by rank: a block's first row + 1 */
};

void pm_leak_weak_init(struct pm_leak_weak *weak);
void pm_leak_weak_release(struct pm_leak_weak *weak);

/* Adds a row to the block that holds the address memory: the words at the addresses first, first + stride ... below
   end, or where the block ends. stride: bytes, a multiple of 8. The row counts only if block number owner has PM_LEAK_OBJECT when rows are
   bound; with PM_LEAK_NONE for the owner it always counts. */
void pm_leak_weak_add(struct pm_leak_weak *weak, const struct pm_leaks *leaks, u32 owner,
                      u64 memory, u64 first, u64 end, u32 stride);

/* Sets PM_LEAK_WEAK_WORDS in blocks with rows. leaks->blocks must be complete. */
void pm_leak_weak_bind(struct pm_leak_weak *weak, struct pm_leaks *leaks);

/* Whether the word at address in block is weak. */
bool pm_leak_weak_holds(const struct pm_leak_weak *weak, const struct pm_leaks *leaks, u32 block, u64 address);

#endif
