/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sums of sites by caller, function, line or stack, sorted for a report. */
#ifndef PM_AGGREGATE_H
#define PM_AGGREGATE_H

#include "base/pm_types.h"
#include "heap/pm_frame_sums.h"

enum pm_group {
    /* Allocations outside any Python function, by the C function that requested the memory. */
    PM_GROUP_CALLER,
    /* Allocations inside a Python function, by its file and name. */
    PM_GROUP_FUNCTION,
    /* The same by file and line. */
    PM_GROUP_LINE,
    /* Every allocation by its whole stack. */
    PM_GROUP_STACK,
};

struct pm_row {
    /* CALLER: object and function. FUNCTION: file and function. LINE: file,
       function and line. STACK: none of these. */
    struct pm_string_id object, file, function;
    u32 line;
    struct pm_stack_id stack;       /* STACK: the stack. Others: the stack of the row with the most bytes */
    struct pm_figures figures;
};

struct pm_aggregate {
    struct pm_row *rows;            /* unordered; see pm_aggregate_row */
    u32 *order;                     /* numbers of rows */
    size_t row_count, count;        /* all rows, and those in the order */
    /* Sums over all rows, and over smaller stacks that have no row (before_*: not of stacks). */
    u64 total_bytes, total_blocks, live_bytes, live_blocks, peak_bytes, peak_blocks;
    u64 before_bytes, before_blocks;
    /* The smaller stacks without a row, if only the largest were wanted. */
    u64 left_out, left_out_bytes, left_out_blocks;
};

/* Row number index in order, below aggregate->count. */
static inline const struct pm_row *pm_aggregate_row(const struct pm_aggregate *aggregate,
                                                    size_t index)
{
    return &aggregate->rows[aggregate->order[index]];
}

enum pm_order {
    /* Ascending: the largest row is last. Rows without requests of their own, which only have blocks
       that passed to them, come first. */
    PM_ORDER_TOTAL_BYTES,
    /* Descending: the largest row is first. Rows with nothing live at the end, at the peak or before
       the interpreter's finalization are left out. */
    PM_ORDER_LIVE_BYTES,
    PM_ORDER_PEAK_BYTES,
    PM_ORDER_BEFORE_BYTES,
};

/* What a row has of that by which the order sorts. */
u64 pm_row_bytes(const struct pm_row *row, enum pm_order order);
u64 pm_row_blocks(const struct pm_row *row, enum pm_order order);

/* Builds the rows of group in the profile of sums. Ties are broken by name, then line, then
   stack contents, so that equal runs give equal reports. Only the top largest rows are sorted
   (0: all), and of stacks only these get a row: a report that shows ten of a hundred thousand
   stacks does not wait for all. Release it. */
void pm_aggregate_build(struct pm_aggregate *aggregate, const struct pm_frame_sums *sums,
                        enum pm_group group, enum pm_order order, size_t top);
void pm_aggregate_release(struct pm_aggregate *aggregate);

#endif
