/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A set of numbers below a limit, in which each member has a rank: how many members are smaller. So what only some
   of many things have can be kept in an array as long as the set.

   Order of calls: init; set for each member; finish; has and rank; release. Cost: two bits for each number below
   the limit, whether it is a member or not. */
#ifndef PM_RANKS_H
#define PM_RANKS_H

#include "base/pm_types.h"

struct pm_ranks {
    struct pm_ranks_word {
        u64 bits;
        u64 before;             /* members in all words before this one; after finish */
    } *words;
    u32 count;                  /* of members; after finish */
};

void pm_ranks_init(struct pm_ranks *ranks, u32 limit);
void pm_ranks_release(struct pm_ranks *ranks);
void pm_ranks_finish(struct pm_ranks *ranks, u32 limit);

static inline void pm_ranks_set(struct pm_ranks *ranks, u32 number)
{
    ranks->words[number / 64].bits |= (u64)1 << number % 64;
}

static inline bool pm_ranks_has(const struct pm_ranks *ranks, u32 number)
{
    return (ranks->words[number / 64].bits >> number % 64 & 1) != 0;
}

/* Of a member: from 0. */
static inline u32 pm_ranks_rank(const struct pm_ranks *ranks, u32 number)
{
    const struct pm_ranks_word *word = &ranks->words[number / 64];
    return (u32)word->before + (u32)__builtin_popcountll(word->bits & (((u64)1 << number % 64) - 1));
}

#endif
