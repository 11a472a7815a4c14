/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heap/pm_wrong_free_sums.h"

#include "base/pm_platform.h"

void pm_wrong_free_sums_init(struct pm_wrong_free_sums *sums)
{
    *sums = (struct pm_wrong_free_sums){ 0 };
}

void pm_wrong_free_sums_release(struct pm_wrong_free_sums *sums)
{
    pm_free(sums->list);
    pm_wrong_free_sums_init(sums);
}

bool pm_wrong_free_equal(const struct pm_wrong_free *one, const struct pm_wrong_free *other)
{
    return one->kind == other->kind && one->stack.v == other->stack.v && one->allocated_by == other->allocated_by;
}

void pm_wrong_free_sums_add(struct pm_wrong_free_sums *sums, const struct pm_wrong_free *wrong)
{
    sums->list = pm_realloc("pm.wrong_free_sums", sums->list, (sums->count + 1) * sizeof *sums->list);
    sums->list[sums->count++] = (struct pm_wrong_free_sum){ .first = *wrong, .count = 1 };
}

u64 pm_wrong_free_sums_again(struct pm_wrong_free_sums *sums, const struct pm_wrong_free *wrong)
{
    for (u32 i = 0; i < sums->count; i++)
        if (pm_wrong_free_equal(&sums->list[i].first, wrong))
            return ++sums->list[i].count;
    return 0;
}

void pm_wrong_free_sums_forked(struct pm_wrong_free_sums *sums)
{
    for (u32 i = 0; i < sums->count; i++)
        sums->list[i].count = 0;
}
