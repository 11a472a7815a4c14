/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"

#include "tool/watch/pm_watch_cases.h"

#include "base/pm_platform.h"
#include "cpython/pm_object.h"
#include "tool/pm_run.h"
#include "tool/watch/pm_watch_owner.h"

void pm_watch_cases_begin(struct pm_watch_cases *cases, struct pm_run *run)
{
    *cases = (struct pm_watch_cases){ .run = run };
    if (run->watch.on)
        cases->by_group = pm_alloc_zero("pm.watch", ((u64)run->watch.balance.group_count + 1)
                                                        * sizeof *cases->by_group);
}

bool pm_watch_cases_wants(const struct pm_watch_cases *cases, u64 object)
{
    const u32 index = pm_watch_object_at(cases->run, object);

    return index != PM_WATCH_NONE && cases->run->watch.balance.objects[index].count != 0;
}

/* The case of a record. */
static struct pm_balance_case *case_of(struct pm_watch_cases *cases, u32 record)
{
    if (record >= cases->record_count) {
        const u32 count = record + 64;
        cases->by_record = pm_realloc("pm.watch", cases->by_record, count * sizeof *cases->by_record);
        for (u32 i = cases->record_count; i < count; i++)
            pm_balance_case_init(&cases->by_record[i]);
        cases->record_count = count;
    }
    return &cases->by_record[record];
}

void pm_watch_cases_add(struct pm_watch_cases *cases, u64 object, u64 pointers, u32 record)
{
    const u32 index = pm_watch_object_at(cases->run, object);

    if (index == PM_WATCH_NONE)
        return;
    pm_watch_meet(cases->run, index);
    pm_balance_case_add(record == PM_WATCH_NO_RECORD
                            ? &cases->by_group[cases->run->watch.balance.objects[index].group]
                            : case_of(cases, record),
                        index, pointers);
}

/* Each instance has a reference to its class, which the function that frees it must give back. If that forgets it, it has no
   place in the balance. So it is named. */
static void find_deallocator(struct pm_run *run, const struct pm_balance_case *the_case,
                             struct pm_balance_verdict *verdict)
{
    const u64 address = run->watch.balance.objects[the_case->suspects[0].object].address;
    struct pm_objects objects;
    struct pm_object object;
    u64 function;

    if (pm_objects_init(&objects, &run->reader, &run->strings, &run->python.interpreter)
            && pm_objects_at(&objects, address, &object) && pm_objects_is_type(&objects, &object)
            && pm_objects_deallocators(&objects, address, &function, 1) == 1
            && pm_watch_side_of(run, function) == PM_WATCH_EXTENSION) {
        verdict->deallocator = pm_native_resolve(&run->native, function, true).frame;
        verdict->has_deallocator = true;
    }
    pm_objects_release(&objects);
}

static const struct pm_balance_verdict *judge(struct pm_run *run, const struct pm_balance_case *the_case,
                                              struct pm_string_id held_by)
{
    struct pm_balance_verdict *verdict = pm_alloc("pm.watch", sizeof *verdict);

    pm_balance_judge(&run->watch.balance, the_case, verdict);
    verdict->held_by = held_by;
    if (!the_case->too_few && verdict->row_count > 0)
        find_deallocator(run, the_case, verdict);
    return verdict;
}

/* In place of those of an earlier search. */
static void judge_others(struct pm_run *run, const struct pm_balance_case *by_group)
{
    struct pm_watch *watch = &run->watch;

    pm_free(watch->others);
    watch->others = pm_alloc("pm.watch", ((u64)watch->balance.group_count + 1) * sizeof *watch->others);
    watch->other_count = 0;
    for (u32 group = 0; group < watch->balance.group_count; group++)
        if (by_group[group].count > 0)
            watch->others[watch->other_count++] = judge(run, &by_group[group], (struct pm_string_id){ 0 });
    watch->judged = true;
}

void pm_watch_cases_end(struct pm_watch_cases *cases, struct pm_losses *losses)
{
    struct pm_run *run = cases->run;

    if (!run->watch.on)
        return;
    for (u32 record = 0; record < cases->record_count; record++) {
        struct pm_loss *loss = &losses->records[record];
        if (cases->by_record[record].count == 0)
            continue;
        cases->by_record[record].too_few = loss->kind == PM_LOSS_DEFICIT;
        loss->balance = judge(run, &cases->by_record[record],
                              loss->expression.v != 0 ? loss->expression
                                  : loss->chain_length > 0 ? loss->chain[0] : (struct pm_string_id){ 0 });
        pm_balance_case_release(&cases->by_record[record]);
    }
    /* What lived before finalization is what the user asks for. */
    if (!run->searched_before)
        judge_others(run, cases->by_group);
    for (u32 group = 0; group < run->watch.balance.group_count; group++)
        pm_balance_case_release(&cases->by_group[group]);
    pm_free(cases->by_record);
    pm_free(cases->by_group);
}

void pm_watch_report(struct pm_run *run, struct pm_balance_report *report)
{
    struct pm_watch *watch = &run->watch;

    if (!watch->judged) {
        struct pm_watch_cases cases;
        struct pm_losses none = { 0 };
        pm_watch_cases_begin(&cases, run);
        for (u32 i = 0; i < watch->balance.object_count; i++)
            if (watch->balance.objects[i].address != 0 && watch->balance.objects[i].count > 0)
                pm_watch_cases_add(&cases, watch->balance.objects[i].address, 0, PM_WATCH_NO_RECORD);
        pm_watch_cases_end(&cases, &none);
    }
    *report = (struct pm_balance_report){
        .balance = &watch->balance,
        .frames = &run->frames,
        .all = run->options.watch_refs_all,
        .immortal = watch->immortal,
        .not_found = watch->unresolved_objects,
        .others = watch->others,
        .other_count = watch->other_count,
    };
}
