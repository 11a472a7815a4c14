/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Weak words: words in blocks that hold addresses and are no references. They are added as
   rows of words at equal distances, and then found by their block.

   Order of calls: pm_leak_weak_init; pm_leak_weak_add for each row;
   pm_leak_weak_bind before pm_leaks_search, with pm_leak_weak_holds in is_weak;
   pm_leak_weak_release. Cost: 40 bytes for each row and 4 for each block; a
   binary search for each row; a few compares for each question. */
#ifndef PM_LEAK_WEAK_H
#define PM_LEAK_WEAK_H

#include "base/pm_types.h"
#include "heap/pm_leaks.h"

struct pm_leak_weak_row {
    u64 memory;             /* an address in the block */
    u64 first, end;         /* addresses: first, first + stride ... below end */
    u32 stride;             /* bytes */
    u32 owner;              /* index of the block with the object that the row is of */
    u32 next;               /* of the same block: row + 1, or 0 */
};

struct pm_leak_weak {
    struct pm_leak_weak_row *rows;
    u32 count, capacity;
    u32 *row_of_block;      /* its first row + 1, or 0 */
};

void pm_leak_weak_init(struct pm_leak_weak *weak);
void pm_leak_weak_release(struct pm_leak_weak *weak);

/* Adds a row to the block that holds the address memory. A row ends where its block ends, at
   the latest. The row counts only if block number owner has PM_LEAK_OBJECT when rows are
   bound; with PM_LEAK_NONE for the owner it always counts. */
void pm_leak_weak_add(struct pm_leak_weak *weak, u32 owner, u64 memory, u64 first, u64 end,
                      u32 stride);

/* Finds the block of each row, and sets PM_LEAK_WEAK_WORDS in it. leaks->blocks must be
   complete. */
void pm_leak_weak_bind(struct pm_leak_weak *weak, struct pm_leaks *leaks);

/* Whether the word at address in block is weak. */
bool pm_leak_weak_holds(const struct pm_leak_weak *weak, u32 block, u64 address);

#endif
