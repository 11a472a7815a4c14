/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hash of a stack is the sum of its addresses, each times a factor of its own, odd and taken at
   random: stacks that differ in one address always differ in their hash, others but for one case in
   about 2^60. */
#include "pub_tool_basics.h"
#include "pub_tool_machine.h"
#include "pub_tool_stacktrace.h"

#include "tool/pm_unwind.h"

#include "base/pm_map.h"
#include "base/pm_platform.h"
#include "tool/pm_core.h"

/* So many frames are unwound before the rest is looked for in the last stack, and so many more
   before it is looked for again. */
enum { FRESH_FRAMES = 5, MORE_FRAMES = 3 };

enum { CACHE_LINE_BYTES = 64, ENTRIES = PM_UNWIND_SETS * PM_UNWIND_WAYS };

enum { INITIAL_MEANINGS = 1024, MAX_COUNT = (1 << 15) - 1 };

static struct pm_unwind_frames make_frames(unsigned limit)
{
    return (struct pm_unwind_frames){
        .ips = pm_alloc_zero("pm.unwind", limit * sizeof(unsigned long)),
        .sps = pm_alloc_zero("pm.unwind", limit * sizeof(unsigned long)),
        .fps = pm_alloc_zero("pm.unwind", limit * sizeof(unsigned long)),
    };
}

void pm_unwind_init(struct pm_unwind *unwind, struct pm_reader *reader, unsigned limit)
{
    const size_t bytes = sizeof(struct pm_unwind_entry) + (limit - 1) * sizeof(u16);
    u64 seed = 0;

    *unwind = (struct pm_unwind){
        .reader = reader,
        .limit = limit,
        .entry_bytes = (bytes + CACHE_LINE_BYTES - 1) / CACHE_LINE_BYTES * CACHE_LINE_BYTES,
        .now = make_frames(limit),
        .last = make_frames(limit),
    };
    unwind->memory = pm_alloc_zero("pm.unwind", ENTRIES * unwind->entry_bytes + CACHE_LINE_BYTES);
    unwind->entries = (char *)unwind->memory + -(uintptr_t)unwind->memory % CACHE_LINE_BYTES;
    unwind->tags = pm_alloc_zero("pm.unwind", ENTRIES * sizeof *unwind->tags);
    unwind->next_way = pm_alloc_zero("pm.unwind", PM_UNWIND_SETS);
    unwind->keys = pm_alloc("pm.unwind", limit * sizeof *unwind->keys);
    for (unsigned i = 0; i < limit; i++)
        unwind->keys[i] = pm_hash_u64(seed += 0x9e3779b97f4a7c15ull) | 1;
    unwind->meaning_mask = INITIAL_MEANINGS - 1;
    unwind->meanings = pm_alloc_zero("pm.unwind", INITIAL_MEANINGS * sizeof *unwind->meanings);
}

static struct pm_unwind_entry *entry_at(const struct pm_unwind *unwind, size_t place)
{
    return (struct pm_unwind_entry *)(void *)(unwind->entries + place * unwind->entry_bytes);
}

void pm_unwind_forget(struct pm_unwind *unwind)
{
    for (size_t place = 0; place < ENTRIES; place++)
        entry_at(unwind, place)->count = 0;
    unwind->last.count = 0;
    pm_zero(unwind->meanings, ((size_t)unwind->meaning_mask + 1) * sizeof *unwind->meanings);
    unwind->meaning_count = 0;
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

/* Whether the stack holds what it held; unwind->now is the remembered stack then, and else worthless. */
static bool holds(struct pm_unwind *unwind, const struct pm_unwind_entry *entry)
{
    const struct pm_unwind_frames *frames = &unwind->now;
    unsigned long *ips = frames->ips, *sps = frames->sps;
    const u64 *keys = unwind->keys, in_page = (1u << PM_READER_PAGE_BITS) - 1;
    const u64 stack_pointer = entry->stack_pointer;
    const unsigned count = entry->count;
    u64 hash = entry->instruction * keys[0], page = 0;
    const u8 *bytes = NULL;

    /* Return addresses are at words, so each is in one page. */
    for (unsigned i = 1; i < count; i++) {
        u64 place = stack_pointer + entry->distances[i - 1] * sizeof(u64), word;
        if (bytes == NULL || place >> PM_READER_PAGE_BITS != page) {
            page = place >> PM_READER_PAGE_BITS;
            bytes = pm_reader_page(unwind->reader, page);
            if (bytes == NULL)
                return false;
        }
        pm_copy(&word, bytes + (place & in_page), sizeof word);
        ips[i] = word - 1;
        sps[i] = place + sizeof word;
        hash += (word - 1) * keys[i];
    }
    if (hash != entry->hash)
        return false;
    struct pm_unwind_frames *now = &unwind->now;
    ips[0] = entry->instruction;
    sps[0] = stack_pointer;
    now->count = count;
    now->first_fp = count - entry->knows_frame_pointer;
    now->fps[count - 1] = entry->frame_pointer;
    return true;
}

/* Unwinds on from the last of count frames, to wanted at most; returns how many there are then, or 0 where that
   would not be as if the core had come there by itself: near a stack's end it would not begin. */
static unsigned unwind_on(struct pm_unwind *unwind, u32 tid, unsigned count, unsigned wanted)
{
    enum { FAR = 4096 };
    const struct pm_unwind_frames *now = &unwind->now;
    const unsigned at = count - 1;
    const struct pm_unwind_start start = {
        .r_pc = now->ips[at],
        .r_sp = now->sps[at],
        .r_rbp = now->fps[at],
    };
    Addr low = 0, high = 0;

    VG_(stack_limits)(start.r_sp, &low, &high);
    if (at < now->first_fp || start.r_sp < low || start.r_sp + FAR > high)
        return 0;
    return at + VG_(get_StackTrace_wrk)(tid, now->ips + at, wanted - at, now->sps + at, now->fps + at,
                                        &start, high);
}

/* Takes over from the last stack what is outside of the first count frames; returns how many
   frames there are then: count if nothing fits. *ended tells that there are no more.

   Frame pointers that are taken over are not compared: a function that unwinding needs one of has it at a fixed
   distance from its stack pointer. */
static unsigned take_over(struct pm_unwind *unwind, unsigned count, bool *ended)
{
    struct pm_unwind_frames *now = &unwind->now;
    const struct pm_unwind_frames *last = &unwind->last;
    const unsigned outermost = count - 1;
    unsigned from = 0;

    while (from < last->count && last->sps[from] < now->sps[outermost])
        from++;
    if (from == 0 || from == last->count || last->sps[from] != now->sps[outermost]
            || last->ips[from] != now->ips[outermost])
        return count;
    for (from++; count < unwind->limit && from < last->count; from++, count++) {
        if (!returns_to(unwind, last->sps[from], last->ips[from]))
            break;
        now->ips[count] = last->ips[from];
        now->sps[count] = last->sps[from];
        now->fps[count] = last->fps[from];
        if (from < last->first_fp)
            now->first_fp = count + 1;
    }
    *ended = from == last->count && last->count < unwind->limit;
    return count;
}

static unsigned unwind_whole(struct pm_unwind *unwind, u32 tid, unsigned limit)
{
    struct pm_unwind_frames *now = &unwind->now;

    now->first_fp = 0;
    return VG_(get_StackTrace)(tid, now->ips, limit, now->sps, now->fps, 0);
}

/* Only the innermost frames, as long as the rest is as in the last stack. */
static unsigned unwind_again(struct pm_unwind *unwind, u32 tid)
{
    const unsigned limit = unwind->limit;
    unsigned wanted = FRESH_FRAMES;

    if (limit <= FRESH_FRAMES || VG_(clo_merge_recursive_frames) > 0)
        return unwind_whole(unwind, tid, limit);
    unsigned count = unwind_whole(unwind, tid, wanted);
    while (count == wanted && wanted < limit) {
        bool ended = false;
        if (!returns_to(unwind, unwind->now.sps[count - 1], unwind->now.ips[count - 1]))
            return unwind_whole(unwind, tid, limit);
        unsigned more = take_over(unwind, count, &ended);
        if (more == limit || ended)
            return more;
        wanted = more > count || count + MORE_FRAMES > limit ? limit : count + MORE_FRAMES;
        count = unwind_on(unwind, tid, more, wanted);
        if (count == 0)
            return unwind_whole(unwind, tid, limit);
    }
    return count;
}

/* With --sanity-level=2 the whole stack is unwound, too. */
static void check(struct pm_unwind *unwind, u32 tid)
{
    const struct pm_unwind_frames *now = &unwind->now;
    unsigned long *ips = pm_alloc("pm.unwind.check", unwind->limit * sizeof *ips);
    unsigned long *sps = pm_alloc("pm.unwind.check", unwind->limit * sizeof *sps);
    unsigned whole = VG_(get_StackTrace)(tid, ips, unwind->limit, sps, NULL, 0);

    PM_ASSERT(whole == now->count);
    for (unsigned i = 0; i < whole; i++)
        PM_ASSERT(ips[i] == now->ips[i] && sps[i] == now->sps[i]);
    pm_free(ips);
    pm_free(sps);
}

static u64 hash_of(const struct pm_unwind *unwind)
{
    u64 hash = 0;

    for (unsigned i = 0; i < unwind->now.count; i++)
        hash += unwind->now.ips[i] * unwind->keys[i];
    return hash;
}

/* False if a return address is too far away, or not at a word. */
static bool put_distances(const struct pm_unwind_frames *frames, u16 *distances)
{
    if (frames->count == 0 || frames->count > MAX_COUNT || frames->sps[0] % sizeof(u64) != 0)
        return false;
    for (unsigned i = 1; i < frames->count; i++) {
        u64 bytes = frames->sps[i] - sizeof(u64) - frames->sps[0];
        if (bytes % sizeof(u64) != 0 || bytes / sizeof(u64) > UINT16_MAX)
            return false;
        distances[i - 1] = (u16)(bytes / sizeof(u64));
    }
    return true;
}

/* Remembers unwind->now there. */
static struct pm_unwind_entry *remember(struct pm_unwind *unwind, size_t place, u16 tag, u64 hash)
{
    const struct pm_unwind_frames *now = &unwind->now;
    struct pm_unwind_entry *entry = entry_at(unwind, place);

    entry->count = 0;
    if (!put_distances(now, entry->distances))
        return NULL;
    unwind->tags[place] = tag;
    entry->stack_pointer = now->sps[0];
    entry->instruction = now->ips[0];
    entry->hash = hash;
    entry->meaning = 0;
    entry->frame_pointer = now->fps[now->count - 1];
    entry->knows_frame_pointer = now->count > now->first_fp;
    entry->count = now->count & MAX_COUNT;
    return entry;
}

/* unwind->now is handed out, and becomes the last stack. */
static struct pm_unwound hand_out(struct pm_unwind *unwind, struct pm_unwind_entry *entry, u64 hash)
{
    const struct pm_unwind_frames now = unwind->now;

    unwind->now = unwind->last;
    unwind->last = now;
    return (struct pm_unwound){
        .entry = entry,
        .ips = now.ips,
        .sps = now.sps,
        .count = now.count,
        .hash = hash,
    };
}

/* Says which set, and the tag. */
static u64 spread_of(u64 stack_pointer, u64 instruction)
{
    return pm_hash_u64(stack_pointer ^ instruction << 20);
}

static u16 tag_of(u64 spread)
{
    return (u16)(spread >> 48);
}

void pm_unwind_expect(const struct pm_unwind *unwind, u64 stack_pointer, u64 instruction)
{
    const u64 spread = spread_of(stack_pointer, instruction);
    const size_t first = spread % PM_UNWIND_SETS * PM_UNWIND_WAYS;

    for (size_t place = first; place < first + PM_UNWIND_WAYS; place++)
        if (unwind->tags[place] == tag_of(spread))
            __builtin_prefetch(entry_at(unwind, place));
}

struct pm_unwound pm_unwind_stack(struct pm_unwind *unwind, u32 tid)
{
    u64 stack_pointer = VG_(get_SP)(tid), instruction = VG_(get_IP)(tid);
    u64 spread = spread_of(stack_pointer, instruction);
    size_t set = spread % PM_UNWIND_SETS, first = set * PM_UNWIND_WAYS;
    u16 tag = tag_of(spread);

    for (size_t place = first; place < first + PM_UNWIND_WAYS; place++) {
        struct pm_unwind_entry *entry = entry_at(unwind, place);
        if (unwind->tags[place] == tag && entry->count != 0
                && entry->stack_pointer == stack_pointer && entry->instruction == instruction
                && holds(unwind, entry))
            return hand_out(unwind, entry, entry->hash);
    }
    unwind->now.count = unwind_again(unwind, tid);
    if (VG_(clo_sanity_level) > 1)
        check(unwind, tid);
    const u64 hash = hash_of(unwind);
    size_t place = first + unwind->next_way[set]++ % PM_UNWIND_WAYS;
    __builtin_prefetch(&unwind->meanings[pm_hash_u64(hash) & unwind->meaning_mask]);
    return hand_out(unwind, remember(unwind, place, tag, hash), hash);
}

/* The slot that has the hash, or the empty one where it would go. */
static struct pm_unwind_meaning *find_meaning(const struct pm_unwind *unwind, u64 hash)
{
    u64 slot = pm_hash_u64(hash) & unwind->meaning_mask;

    while (unwind->meanings[slot].meaning != 0 && unwind->meanings[slot].hash != hash)
        slot = (slot + 1) & unwind->meaning_mask;
    return &unwind->meanings[slot];
}

u64 pm_unwind_meaning(struct pm_unwind *unwind, const struct pm_unwound *stack)
{
    if (stack->entry == NULL)
        return find_meaning(unwind, stack->hash)->meaning;
    if (stack->entry->meaning == 0)
        stack->entry->meaning = find_meaning(unwind, stack->hash)->meaning;
    return stack->entry->meaning;
}

static void grow_meanings(struct pm_unwind *unwind)
{
    struct pm_unwind_meaning *old = unwind->meanings;
    const size_t count = (size_t)unwind->meaning_mask + 1;

    unwind->meaning_mask = (u32)(2 * count - 1);
    unwind->meanings = pm_alloc_zero("pm.unwind", 2 * count * sizeof *unwind->meanings);
    for (size_t i = 0; i < count; i++)
        if (old[i].meaning != 0)
            *find_meaning(unwind, old[i].hash) = old[i];
    pm_free(old);
}

void pm_unwind_note(struct pm_unwind *unwind, const struct pm_unwound *stack, u64 meaning)
{
    if (unwind->meaning_count > unwind->meaning_mask / 2)
        grow_meanings(unwind);
    struct pm_unwind_meaning *noted = find_meaning(unwind, stack->hash);
    unwind->meaning_count += noted->meaning == 0;
    *noted = (struct pm_unwind_meaning){ stack->hash, meaning };
    if (stack->entry != NULL)
        stack->entry->meaning = meaning;
}

void pm_unwound_trace(const struct pm_unwound *stack, struct pm_trace *trace)
{
    for (unsigned i = 1; i < stack->count; i++)
        pm_trace_add(trace, stack->sps[i] - sizeof(u64), stack->ips[i] + 1, sizeof(u64));
}
