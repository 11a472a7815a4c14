/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hash of a stack is the sum of its addresses, each multiplied by a random odd factor of its
   own. Stacks that differ in one address always have different hashes; other stacks have the
   same hash in one case of about 2^60. */
#include "pub_tool_basics.h"
#include "pub_tool_machine.h"
#include "pub_tool_stacktrace.h"

#include "libvex_guest_offsets.h"

#include "tool/capture/pm_unwind.h"

#include "base/pm_platform.h"
#include "tool/core/pm_core.h"

/* Unwinds one frame with the core. */
static bool ask_core(void *context, const struct pm_unwind_frame *from, u64 high,
                     struct pm_unwind_frame *to)
{
    Addr ips[2], sps[2], fps[2];

    (void)context;
    if (pm_core_unwind_from(0, from, high, 2, ips, sps, fps) < 2)
        return false;
    *to = (struct pm_unwind_frame){ ips[1], sps[1], fps[1] };
    return true;
}

static struct pm_unwind_room make_room(unsigned limit)
{
    return (struct pm_unwind_room){
        .limit = limit,
        .walk = {
            .instructions = pm_alloc("pm.unwind", limit * sizeof(unsigned long)),
            .stack_pointers = pm_alloc("pm.unwind", limit * sizeof(unsigned long)),
        },
    };
}

void pm_unwind_init(struct pm_unwind *unwind, struct pm_reader *reader, unsigned limit,
                    unsigned further)
{
    const unsigned most = further > limit ? further : limit;
    u64 seed = 0;

    *unwind = (struct pm_unwind){
        .inner = make_room(limit),
        .further = make_room(most),
        .reaching_ips = pm_alloc("pm.unwind", most * sizeof *unwind->reaching_ips),
        .reaching_sps = pm_alloc("pm.unwind", most * sizeof *unwind->reaching_sps),
        .kept = pm_alloc("pm.unwind", most * sizeof *unwind->kept),
        .keys = pm_alloc("pm.unwind", most * sizeof *unwind->keys),
    };
    for (unsigned i = 0; i < most; i++)
        unwind->keys[i] = pm_hash_u64(seed += 0x9e3779b97f4a7c15ull) | 1;
    pm_map_init(&unwind->meanings);
    pm_unwind_rules_init(&unwind->rules, reader, ask_core, NULL);
}

void pm_unwind_forget(struct pm_unwind *unwind)
{
    pm_unwind_rules_forget(&unwind->rules);
    pm_map_clear(&unwind->meanings);
    unwind->reaching_count = 0;
}

/* Finds the stack's limits. False if they are not known, or the stack pointer is near the end. */
static bool find_limits(struct pm_unwind *unwind, u64 stack_pointer)
{
    const struct pm_reader *reader = unwind->rules.reader;

    if (stack_pointer < unwind->stack_low || stack_pointer >= unwind->stack_high
            || !pm_reader_kept(reader, unwind->generation, unwind->stack_low, unwind->stack_high))
        pm_core_stack_limits(stack_pointer, &unwind->stack_low, &unwind->stack_high);
    unwind->generation = reader->generation;
    return stack_pointer >= unwind->stack_low && stack_pointer + PM_CORE_STACK_END_BYTES < unwind->stack_high;
}

/* Lets the core continue from the last frame that was walked to. Returns the number of frames; 0 if
   the core would have found something else from the start. */
static unsigned unwind_on(const struct pm_unwind *unwind, const struct pm_unwind_room *room, u32 tid)
{
    const struct pm_unwind_rules_walk *walk = &room->walk;
    const unsigned at = walk->count - 1;
    const struct pm_unwind_frame start = {
        .instruction = walk->instructions[at],
        .stack_pointer = walk->stack_pointers[at],
        .frame_pointer = walk->frame_pointer,
    };

    if (start.stack_pointer + PM_CORE_STACK_END_BYTES >= unwind->stack_high
            || (start.frame_pointer >= walk->stack_pointers[0] - VG_STACK_REDZONE_SZB
                && start.frame_pointer < start.stack_pointer))
        return 0;
    return at + pm_core_unwind_from(tid, &start, unwind->stack_high, room->limit - at, walk->instructions + at,
                                    walk->stack_pointers + at, NULL);
}

/* Walks by learned rules, and by the core where they end. Returns the number of frames; 0 if the
   core must unwind the whole stack. */
static unsigned walk_over(struct pm_unwind *unwind, struct pm_unwind_room *room, u32 tid)
{
    u64 frame_pointer;

    if (!pm_core_can_unwind() || !find_limits(unwind, VG_(get_SP)(tid)))
        return 0;
    VG_(get_shadow_regs_area)(tid, (UChar *)&frame_pointer, 0, OFFSET_amd64_RBP, sizeof frame_pointer);
    const struct pm_unwind_frame frame = { VG_(get_IP)(tid), VG_(get_SP)(tid), frame_pointer };
    switch (pm_unwind_rules_walk(&unwind->rules, &frame, unwind->stack_high, room->limit, &room->walk)) {
    case PM_UNWIND_RULES_LIMIT:
    case PM_UNWIND_RULES_OUTERMOST:
        return room->walk.count;
    case PM_UNWIND_RULES_ASK:
        return unwind_on(unwind, room, tid);
    case PM_UNWIND_RULES_DAMAGED:
        break;
    }
    return 0;
}

/* With --sanity-level=2 the core unwinds up to limit frames, and both are compared. */
static void check(u32 tid, const unsigned long *instructions, const unsigned long *stack_pointers, unsigned count,
                  unsigned limit)
{
    unsigned long *ips = pm_alloc("pm.unwind.check", limit * sizeof *ips);
    unsigned long *sps = pm_alloc("pm.unwind.check", limit * sizeof *sps);
    unsigned whole = VG_(get_StackTrace)(tid, ips, limit, sps, NULL, 0);

    PM_ASSERT(whole == count);
    for (unsigned i = 0; i < whole; i++)
        PM_ASSERT(ips[i] == instructions[i] && sps[i] == stack_pointers[i]);
    pm_free(ips);
    pm_free(sps);
}

/* The stack with as many frames as there is room for. Returns the number of frames. */
static unsigned unwind_into(struct pm_unwind *unwind, struct pm_unwind_room *room, u32 tid)
{
    const struct pm_unwind_rules_walk *walk = &room->walk;
    unsigned count = walk_over(unwind, room, tid);

    if (count == 0)
        count = VG_(get_StackTrace)(tid, walk->instructions, room->limit, walk->stack_pointers, NULL, 0);
    if (pm_core_sanity_level() > 1)
        check(tid, walk->instructions, walk->stack_pointers, count, room->limit);
    return count;
}

static u64 hash_of(const struct pm_unwind *unwind, const unsigned long *ips, unsigned count)
{
    u64 hash = 0;

    for (unsigned i = 0; i < count; i++)
        hash += ips[i] * unwind->keys[i];
    return hash;
}

struct pm_unwound pm_unwind_stack(struct pm_unwind *unwind, u32 tid)
{
    const struct pm_unwind_rules_walk *walk = &unwind->inner.walk;
    const unsigned count = unwind_into(unwind, &unwind->inner, tid);

    return (struct pm_unwound){
        .ips = walk->instructions,
        .sps = walk->stack_pointers,
        .count = count,
        .hash = hash_of(unwind, walk->instructions, count),
    };
}

/* The stack that reaches its end gets count frames: the innermost ones from a walk, and the outermost that
   it has already. */
static void reach(struct pm_unwind *unwind, unsigned count, const struct pm_unwind_rules_walk *walk,
                  unsigned from_walk, struct pm_unwound *whole)
{
    unsigned long *ips = unwind->reaching_ips + unwind->further.limit - count;
    unsigned long *sps = unwind->reaching_sps + unwind->further.limit - count;

    for (unsigned i = 0; i < from_walk; i++) {
        ips[i] = walk->instructions[i];
        sps[i] = walk->stack_pointers[i];
    }
    unwind->reaching_count = count;
    *whole = (struct pm_unwound){ .ips = ips, .sps = sps, .count = count };
}

/* How many frames of the last stack that reached its end are outside of the last frame of
   pm_unwind_stack; 0: that frame is not in it, or the return addresses outside changed. */
static unsigned count_outside(const struct pm_unwind *unwind)
{
    const struct pm_unwind_rules_walk *inner = &unwind->inner.walk;
    const unsigned most = unwind->further.limit, last = unwind->inner.limit - 1;
    const unsigned long *ips = unwind->reaching_ips, *sps = unwind->reaching_sps;
    unsigned known = most - unwind->reaching_count;
    u64 address;

    while (known < most && sps[known] < inner->stack_pointers[last])
        known++;
    if (known == most || sps[known] != inner->stack_pointers[last]
            || ips[known] != inner->instructions[last])
        return 0;
    for (unsigned i = known + 1; i < most; i++)
        if (!pm_reader_read_u64(unwind->rules.reader, sps[i] - sizeof(u64), &address)
                || address != ips[i] + 1)
            return 0;
    return most - known - 1;
}

/* Finds the outer frames among the last stack's. That is as exact as a snapshot is
   (docs/decisions/snapshots.md). */
static bool reach_again(struct pm_unwind *unwind, struct pm_unwound *whole)
{
    const unsigned outside = count_outside(unwind);

    if (outside == 0 || unwind->inner.limit + outside > unwind->further.limit)
        return false;
    reach(unwind, unwind->inner.limit + outside, &unwind->inner.walk, unwind->inner.limit, whole);
    return true;
}

/* Unwinds as far as there is room. Without an end, *whole is all frames within that. */
static bool unwind_to_end(struct pm_unwind *unwind, u32 tid,
                          enum pm_unwind_frame_kind (*kind_of)(void *context, u64 ip), void *context,
                          struct pm_unwound *whole)
{
    const unsigned count = unwind_into(unwind, &unwind->further, tid);
    unsigned end = unwind->inner.limit;

    while (end < count && kind_of(context, unwind->further.walk.instructions[end]) != PM_UNWIND_FRAME_END)
        end++;
    if (end >= count) {
        *whole = (struct pm_unwound){
            .ips = unwind->further.walk.instructions,
            .sps = unwind->further.walk.stack_pointers,
            .count = count,
        };
        return false;
    }
    reach(unwind, end + 1, &unwind->further.walk, end + 1, whole);
    return true;
}

/* Writes the addresses that are kept of a stack. Returns how many. Walks inwards, since the outermost
   frames of several in a row are kept, and the one that called what is no such frame. */
static unsigned keep_frames(const struct pm_unwind *unwind, const struct pm_unwound *whole,
                            enum pm_unwind_frame_kind (*kind_of)(void *context, u64 ip), void *context)
{
    const unsigned limit = unwind->inner.limit;
    unsigned first = whole->count, in_a_row = 0;
    bool passes = kind_of(context, whole->ips[whole->count - 1]) == PM_UNWIND_FRAME_PASSING;

    for (unsigned i = whole->count; i-- > limit;) {
        const bool inner_passes = i > 1 && kind_of(context, whole->ips[i - 1]) == PM_UNWIND_FRAME_PASSING;
        in_a_row = passes ? in_a_row + 1 : 0;
        if (in_a_row <= PM_UNWIND_KEPT_PASSING || !inner_passes)
            unwind->kept[--first] = whole->ips[i];
        passes = inner_passes;
    }
    const unsigned outer = whole->count - first;
    pm_move(unwind->kept + limit, unwind->kept + first, outer * sizeof *unwind->kept);
    pm_copy(unwind->kept, whole->ips, limit * sizeof *unwind->kept);
    return limit + outer;
}

bool pm_unwind_further(struct pm_unwind *unwind, u32 tid,
                       enum pm_unwind_frame_kind (*kind_of)(void *context, u64 ip), void *context,
                       struct pm_unwound *whole, struct pm_unwound *kept)
{
    if (!reach_again(unwind, whole) && !unwind_to_end(unwind, tid, kind_of, context, whole))
        return false;
    if (pm_core_sanity_level() > 1)
        check(tid, whole->ips, whole->sps, whole->count, whole->count);
    const unsigned length = keep_frames(unwind, whole, kind_of, context);
    *kept = (struct pm_unwound){
        .ips = unwind->kept, .count = length, .hash = hash_of(unwind, unwind->kept, length),
    };
    return true;
}

void pm_unwind_prefetch(const struct pm_unwind *unwind, const struct pm_unwound *stack)
{
    pm_map_prefetch(&unwind->meanings, stack->hash);
}

u64 pm_unwind_meaning(const struct pm_unwind *unwind, const struct pm_unwound *stack)
{
    const u64 *meaning = pm_map_get(&unwind->meanings, stack->hash);

    return meaning != NULL ? *meaning : 0;
}

void pm_unwind_note(struct pm_unwind *unwind, const struct pm_unwound *stack, u64 meaning)
{
    pm_map_put(&unwind->meanings, stack->hash, meaning);
}

void pm_unwound_trace(const struct pm_unwound *stack, struct pm_trace *trace)
{
    for (unsigned i = 1; i < stack->count; i++)
        pm_trace_add(trace, stack->sps[i] - sizeof(u64), stack->ips[i] + 1, sizeof(u64));
}
