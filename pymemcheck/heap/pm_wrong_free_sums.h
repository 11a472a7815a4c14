/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The wrong frees of a run that were shown: each different one, and how often it happened. There are few: Valgrind's core
   stops after a thousand different errors, so they are looked for one by one. */
#ifndef PM_WRONG_FREE_SUMS_H
#define PM_WRONG_FREE_SUMS_H

#include "base/pm_types.h"
#include "heap/pm_freed.h"

struct pm_wrong_free_sum {
    struct pm_wrong_free first;     /* its texts are constants */
    u64 count;                      /* 0 only in a fork child, for those of its parent */
};

/* In the order in which they came. */
struct pm_wrong_free_sums {
    struct pm_wrong_free_sum *list;
    u32 count;
};

void pm_wrong_free_sums_init(struct pm_wrong_free_sums *sums);
void pm_wrong_free_sums_release(struct pm_wrong_free_sums *sums);

/* Whether two are the same error: of one kind, with one stack of the free. */
bool pm_wrong_free_equal(const struct pm_wrong_free *one, const struct pm_wrong_free *other);

/* Adds one that is equal to none before. */
void pm_wrong_free_sums_add(struct pm_wrong_free_sums *sums, const struct pm_wrong_free *wrong);
/* How many equal ones the log shows. A loop may make millions. */
#define PM_WRONG_FREES_SHOWN 20

/* Counts one that is equal to one before. Returns how many there are now; 0: none equal to it was added. */
u64 pm_wrong_free_sums_again(struct pm_wrong_free_sums *sums, const struct pm_wrong_free *wrong);

/* After a fork, in the child: what its parent did counts no more. */
void pm_wrong_free_sums_forked(struct pm_wrong_free_sums *sums);

#endif
