/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/pm_ranks.h"

#include "base/pm_platform.h"

void pm_ranks_init(struct pm_ranks *ranks, u32 limit)
{
    *ranks = (struct pm_ranks){ .words = pm_alloc_zero("pm.ranks", (limit / 64 + (size_t)1) * sizeof *ranks->words) };
}

void pm_ranks_release(struct pm_ranks *ranks)
{
    pm_free(ranks->words);
    *ranks = (struct pm_ranks){ 0 };
}

void pm_ranks_finish(struct pm_ranks *ranks, u32 limit)
{
    ranks->count = 0;
    for (u32 i = 0; i <= limit / 64; i++) {
        ranks->words[i].before = ranks->count;
        ranks->count += (u32)__builtin_popcountll(ranks->words[i].bits);
    }
}
