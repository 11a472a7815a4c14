/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_machine.h"
#include "pub_tool_stacktrace.h"

#include "tool/pm_unwind.h"

#include "base/pm_map.h"
#include "base/pm_platform.h"
#include "tool/pm_core.h"

/* So many frames are unwound before the rest is looked for in the last stack. */
enum { FRESH_FRAMES = 4 };

void pm_unwind_init(struct pm_unwind *unwind, struct pm_reader *reader, unsigned limit)
{
    const size_t entries = PM_UNWIND_SETS * PM_UNWIND_WAYS;

    *unwind = (struct pm_unwind){ .reader = reader, .limit = limit };
    unwind->entries = pm_alloc_zero("pm.unwind", entries * sizeof *unwind->entries);
    unwind->ips = pm_alloc("pm.unwind", entries * limit * sizeof *unwind->ips);
    unwind->sps = pm_alloc("pm.unwind", entries * limit * sizeof *unwind->sps);
    unwind->fps = pm_alloc("pm.unwind", entries * limit * sizeof *unwind->fps);
    unwind->next_way = pm_alloc_zero("pm.unwind", PM_UNWIND_SETS);
    pm_sequences_init(&unwind->numbers);
}

void pm_unwind_forget(struct pm_unwind *unwind)
{
    for (size_t i = 0; i < PM_UNWIND_SETS * PM_UNWIND_WAYS; i++)
        unwind->entries[i].count = 0;
    pm_sequences_clear(&unwind->numbers);
}

/* A frame's caller has the stack pointer just above the return address, and
   the core gives the return address less one. Not so where it knew no way on and took the
   word on top of the stack for a return address (coregrind/m_stacktrace.c, its last resort): then the
   stack pointer is that word's address. */
static bool returns_to(struct pm_unwind *unwind, unsigned long sp, unsigned long ip)
{
    u64 word;

    return pm_reader_read_u64(unwind->reader, sp - sizeof word, &word) && word == ip + 1;
}

/* How many frames of a remembered stack hold, if the first first ones do. */
static unsigned that_hold(struct pm_unwind *unwind, size_t place, unsigned first)
{
    const unsigned long *ips = unwind->ips + place * unwind->limit;
    const unsigned long *sps = unwind->sps + place * unwind->limit;
    unsigned i = first;

    while (i < unwind->entries[place].count && returns_to(unwind, sps[i], ips[i]))
        i++;
    return i;
}

static struct pm_unwound view(struct pm_unwind *unwind, size_t place)
{
    unwind->last = place;
    return (struct pm_unwound){
        .place = place,
        .ips = unwind->ips + place * unwind->limit,
        .sps = unwind->sps + place * unwind->limit,
        .count = unwind->entries[place].count,
    };
}

/* Unwinds on from the last of count frames at place; returns how many there are then, or 0 where that would not
   be as if the core had come there by itself: near a stack's end it would not begin. */
static unsigned unwind_on(struct pm_unwind *unwind, u32 tid, size_t place, unsigned count)
{
    enum { FAR = 4096 };
    const size_t at = place * unwind->limit + count - 1;
    const struct pm_unwind_start start = {
        .r_pc = unwind->ips[at],
        .r_sp = unwind->sps[at],
        .r_rbp = unwind->fps[at],
    };
    Addr low = 0, high = 0;

    VG_(stack_limits)(start.r_sp, &low, &high);
    if (start.r_sp < low || start.r_sp + FAR > high)
        return 0;
    return count - 1
        + VG_(get_StackTrace_wrk)(tid, unwind->ips + at, unwind->limit - count + 1,
                                  unwind->sps + at, unwind->fps + at, &start, high);
}

static void copy_frames(struct pm_unwind *unwind, size_t to, size_t from, unsigned count)
{
    pm_copy(unwind->ips + to, unwind->ips + from, count * sizeof *unwind->ips);
    pm_copy(unwind->sps + to, unwind->sps + from, count * sizeof *unwind->sps);
    pm_copy(unwind->fps + to, unwind->fps + from, count * sizeof *unwind->fps);
}

/* Frame pointers that were taken over are not compared: a function that unwinding needs one of has it at a fixed
   distance from its stack pointer.

   Takes over from the last stack what is outside of the first count frames at place; returns how many
   frames there are then: count if nothing fits. *ended tells that there are no more. */
static unsigned take_over(struct pm_unwind *unwind, size_t place, unsigned count, bool *ended)
{
    const unsigned limit = unwind->limit;
    const size_t outermost = place * limit + count - 1, last = unwind->last * limit;
    const unsigned last_count = unwind->entries[unwind->last].count;
    unsigned i = 0;

    while (i < last_count && unwind->sps[last + i] < unwind->sps[outermost])
        i++;
    if (i == 0 || i == last_count || unwind->last == place
            || unwind->sps[last + i] != unwind->sps[outermost]
            || unwind->ips[last + i] != unwind->ips[outermost])
        return count;
    unsigned hold = that_hold(unwind, unwind->last, i + 1), more = hold - i - 1;
    if (more > limit - count)
        more = limit - count;
    copy_frames(unwind, outermost + 1, last + i + 1, more);
    *ended = hold == last_count && last_count < limit;
    return count + more;
}

static unsigned unwind_whole(struct pm_unwind *unwind, u32 tid, size_t place, unsigned count)
{
    const size_t at = place * unwind->limit;

    return VG_(get_StackTrace)(tid, unwind->ips + at, count, unwind->sps + at, unwind->fps + at, 0);
}

/* Only the innermost frames, as long as the rest is as in the last stack. */
static unsigned unwind_again(struct pm_unwind *unwind, u32 tid, size_t place)
{
    const unsigned limit = unwind->limit;
    bool ended = false;

    if (limit <= FRESH_FRAMES || VG_(clo_merge_recursive_frames) > 0)
        return unwind_whole(unwind, tid, place, limit);
    unsigned fresh = unwind_whole(unwind, tid, place, FRESH_FRAMES);
    if (fresh < FRESH_FRAMES)
        return fresh;
    const size_t outermost = place * limit + fresh - 1;
    if (!returns_to(unwind, unwind->sps[outermost], unwind->ips[outermost]))
        return unwind_whole(unwind, tid, place, limit);
    unsigned count = take_over(unwind, place, fresh, &ended);
    if (count == limit || ended)
        return count;
    count = unwind_on(unwind, tid, place, count);
    return count > 0 ? count : unwind_whole(unwind, tid, place, limit);
}

/* With --sanity-level=2 the whole stack is unwound, too. */
static void check(struct pm_unwind *unwind, u32 tid, size_t place, unsigned count)
{
    const size_t at = place * unwind->limit;
    unsigned long *ips = pm_alloc("pm.unwind.check", unwind->limit * sizeof *ips);
    unsigned long *sps = pm_alloc("pm.unwind.check", unwind->limit * sizeof *sps);
    unsigned whole = VG_(get_StackTrace)(tid, ips, unwind->limit, sps, NULL, 0);

    PM_ASSERT(whole == count);
    for (unsigned i = 0; i < count; i++)
        PM_ASSERT(ips[i] == unwind->ips[at + i] && sps[i] == unwind->sps[at + i]);
    pm_free(ips);
    pm_free(sps);
}

static const u32 *words_of(const struct pm_unwind *unwind, size_t place)
{
    return (const u32 *)(unwind->ips + place * unwind->limit);
}

struct pm_unwound pm_unwind_stack(struct pm_unwind *unwind, u32 tid)
{
    u64 stack_pointer = VG_(get_SP)(tid), instruction = VG_(get_IP)(tid);
    size_t set = pm_hash_u64(stack_pointer ^ instruction << 20) % PM_UNWIND_SETS;
    size_t first = set * PM_UNWIND_WAYS;

    for (size_t place = first; place < first + PM_UNWIND_WAYS; place++) {
        const struct pm_unwind_entry *entry = &unwind->entries[place];
        if (entry->count != 0 && entry->stack_pointer == stack_pointer
                && entry->instruction == instruction && that_hold(unwind, place, 1) == entry->count)
            return view(unwind, place);
    }
    size_t place = first + unwind->next_way[set]++ % PM_UNWIND_WAYS;
    struct pm_unwind_entry *entry = &unwind->entries[place];
    u32 count = unwind_again(unwind, tid, place);
    if (VG_(clo_sanity_level) > 1)
        check(unwind, tid, place, count);
    *entry = (struct pm_unwind_entry){
        .stack_pointer = stack_pointer,
        .instruction = instruction,
        .count = count,
        .hash = pm_sequences_hash(words_of(unwind, place), 2 * (size_t)count),
    };
    pm_sequences_expect(&unwind->numbers, entry->hash);
    return view(unwind, place);
}

u32 pm_unwind_number(struct pm_unwind *unwind, const struct pm_unwound *stack)
{
    struct pm_unwind_entry *entry = &unwind->entries[stack->place];

    if (entry->number == 0)
        entry->number = pm_sequences_intern_hashed(&unwind->numbers, words_of(unwind, stack->place),
                                                   2 * (size_t)entry->count, entry->hash);
    return entry->number;
}

void pm_unwound_trace(const struct pm_unwound *stack, struct pm_trace *trace)
{
    for (unsigned i = 1; i < stack->count; i++)
        pm_trace_add(trace, stack->sps[i] - sizeof(u64), stack->ips[i] + 1, sizeof(u64));
}
