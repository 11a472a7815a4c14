/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_machine.h"
#include "pub_tool_stacktrace.h"

#include "tool/pm_unwind.h"

#include "base/pm_map.h"
#include "base/pm_platform.h"

void pm_unwind_init(struct pm_unwind *unwind, struct pm_reader *reader, unsigned limit)
{
    const size_t entries = PM_UNWIND_SETS * PM_UNWIND_WAYS;

    *unwind = (struct pm_unwind){ .reader = reader, .limit = limit };
    unwind->entries = pm_alloc_zero("pm.unwind", entries * sizeof *unwind->entries);
    unwind->ips = pm_alloc("pm.unwind", entries * limit * sizeof *unwind->ips);
    unwind->sps = pm_alloc("pm.unwind", entries * limit * sizeof *unwind->sps);
    unwind->next_way = pm_alloc_zero("pm.unwind", PM_UNWIND_SETS);
    pm_sequences_init(&unwind->numbers);
}

void pm_unwind_forget(struct pm_unwind *unwind)
{
    for (size_t i = 0; i < PM_UNWIND_SETS * PM_UNWIND_WAYS; i++)
        unwind->entries[i].number = 0;
    pm_sequences_clear(&unwind->numbers);
}

/* A frame's caller has the stack pointer just above the return address, and
   the core gives the return address less one. */
static bool still_holds(struct pm_unwind *unwind, size_t place)
{
    const unsigned long *ips = unwind->ips + place * unwind->limit;
    const unsigned long *sps = unwind->sps + place * unwind->limit;
    u64 word;

    for (unsigned i = 1; i < unwind->entries[place].count; i++)
        if (!pm_reader_read_u64(unwind->reader, sps[i] - sizeof word, &word) || word != ips[i] + 1)
            return false;
    return true;
}

static struct pm_unwound view(const struct pm_unwind *unwind, size_t place)
{
    return (struct pm_unwound){
        .number = unwind->entries[place].number,
        .ips = unwind->ips + place * unwind->limit,
        .sps = unwind->sps + place * unwind->limit,
        .count = unwind->entries[place].count,
    };
}

static u32 number_of(struct pm_unwind *unwind, size_t place)
{
    const u32 *words = (const u32 *)(unwind->ips + place * unwind->limit);
    return pm_sequences_intern(&unwind->numbers, words, 2 * (size_t)unwind->entries[place].count);
}

struct pm_unwound pm_unwind_stack(struct pm_unwind *unwind, u32 tid)
{
    u64 stack_pointer = VG_(get_SP)(tid), instruction = VG_(get_IP)(tid);
    size_t set = pm_hash_u64(stack_pointer ^ instruction << 20) % PM_UNWIND_SETS;
    size_t first = set * PM_UNWIND_WAYS;

    for (size_t place = first; place < first + PM_UNWIND_WAYS; place++) {
        const struct pm_unwind_entry *entry = &unwind->entries[place];
        if (entry->number != 0 && entry->stack_pointer == stack_pointer
                && entry->instruction == instruction && still_holds(unwind, place))
            return view(unwind, place);
    }
    size_t place = first + unwind->next_way[set]++ % PM_UNWIND_WAYS;
    struct pm_unwind_entry *entry = &unwind->entries[place];
    *entry = (struct pm_unwind_entry){
        .stack_pointer = stack_pointer,
        .instruction = instruction,
    };
    entry->count = VG_(get_StackTrace)(tid, unwind->ips + place * unwind->limit, unwind->limit,
                                       unwind->sps + place * unwind->limit, NULL, 0);
    entry->number = number_of(unwind, place);
    return view(unwind, place);
}

void pm_unwound_trace(const struct pm_unwound *stack, struct pm_trace *trace)
{
    for (unsigned i = 1; i < stack->count; i++)
        pm_trace_add(trace, stack->sps[i] - sizeof(u64), stack->ips[i] + 1, sizeof(u64));
}
