/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was in use at one moment, by stack and Python type. */
#ifndef PM_TYPE_SUMS_H
#define PM_TYPE_SUMS_H

#include "base/pm_map.h"
#include "base/pm_strings.h"
#include "heap/pm_block.h"
#include "heap/pm_stacks.h"

struct pm_type_sum {
    struct pm_stack_id stack;
    struct pm_string_id type;       /* "": memory that is no object and belongs to none, or a type without a name */
    u64 bytes, blocks;              /* as requested, without padding */
};

/* All zero: nothing was counted. */
struct pm_type_sums {
    bool counted;
    u64 in_use_bytes, in_use_blocks;    /* of all, with padding */
    struct pm_type_sum *entries;    /* in the order of pm_type_sums_sort */
    u32 count, capacity;
    struct pm_map by_key;           /* until pm_type_sums_sort */
};

/* Begins anew. */
void pm_type_sums_begin(struct pm_type_sums *sums);
/* Adds a block that was allocated at stack. Cost: a look-up. */
void pm_type_sums_add(struct pm_type_sums *sums, const struct pm_block *block, struct pm_stack_id stack,
                      struct pm_string_id type);
/* Ends the counting: sorts by stack, then type, by their numbers. */
void pm_type_sums_sort(struct pm_type_sums *sums);
void pm_type_sums_release(struct pm_type_sums *sums);

#endif
