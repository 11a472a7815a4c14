/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tool/pm_frees.h"

#include "heap/pm_freed.h"
#include "tool/pm_errors.h"
#include "tool/pm_run.h"

struct search {
    u64 address;
    const struct pm_block *found;
};

static void look_at(void *context, struct pm_block *block)
{
    struct search *search = context;

    if (search->address - block->address < block->bytes)
        search->found = block;
}

/* What the address is in. Blocks are found by their start only, so all of them
   are looked at: done once for each different error. A live block comes first:
   it may lie where an older one was. */
static void find_place(struct pm_run *run, struct pm_wrong_free *wrong)
{
    struct search search = { .address = wrong->address };
    const struct pm_freed_block *freed;

    pm_blocks_each(&run->blocks, look_at, &search);
    if (search.found != NULL) {
        wrong->place = PM_PLACE_LIVE;
        wrong->block = (struct pm_freed_block){
            .address = search.found->address,
            .bytes = search.found->bytes,
            .allocated = { search.found->stack },
        };
    } else if ((freed = pm_freed_find(&run->freed, wrong->address)) != NULL) {
        wrong->place = PM_PLACE_FREED;
        wrong->block = *freed;
    }
}

static void nothing_more(struct pm_run *run, struct pm_wrong_free *wrong)
{
    (void)run;
    (void)wrong;
}

void pm_frees_unknown(struct pm_run *run, u32 tid, u64 address)
{
    const struct pm_wrong_free wrong = {
        .kind = PM_FREE_INVALID,
        .address = address,
        .stack = pm_capture_stack(run, tid).stack,
    };

    pm_errors_report_free(run, tid, &wrong, find_place);
}

void pm_frees_mismatch(struct pm_run *run, u32 tid, const struct pm_block *block)
{
    const struct pm_wrong_free wrong = {
        .kind = PM_FREE_MISMATCH,
        .address = block->address,
        .stack = pm_capture_stack(run, tid).stack,
        .place = PM_PLACE_LIVE,
        .block = { block->address, block->bytes, { block->stack }, PM_STACK_EMPTY },
    };

    pm_errors_report_free(run, tid, &wrong, nothing_more);
}
