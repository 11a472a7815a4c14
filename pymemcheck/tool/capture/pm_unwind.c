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

/* With --sanity-level=2 the core unwinds the whole stack, and both are compared. */
static void check(const struct pm_unwind_room *room, u32 tid, unsigned count)
{
    const struct pm_unwind_rules_walk *walk = &room->walk;
    unsigned long *ips = pm_alloc("pm.unwind.check", room->limit * sizeof *ips);
    unsigned long *sps = pm_alloc("pm.unwind.check", room->limit * sizeof *sps);
    unsigned whole = VG_(get_StackTrace)(tid, ips, room->limit, sps, NULL, 0);

    PM_ASSERT(whole == count);
    for (unsigned i = 0; i < whole; i++)
        PM_ASSERT(ips[i] == walk->instructions[i] && sps[i] == walk->stack_pointers[i]);
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
        check(room, tid, count);
    return count;
}

/* The innermost count frames of the room's stack, with their hash. */
static struct pm_unwound unwound(const struct pm_unwind *unwind, const struct pm_unwind_room *room,
                                 unsigned count)
{
    const struct pm_unwind_rules_walk *walk = &room->walk;
    u64 hash = 0;

    for (unsigned i = 0; i < count; i++)
        hash += walk->instructions[i] * unwind->keys[i];
    return (struct pm_unwound){
        .ips = walk->instructions,
        .sps = walk->stack_pointers,
        .count = count,
        .hash = hash,
    };
}

struct pm_unwound pm_unwind_stack(struct pm_unwind *unwind, u32 tid)
{
    const unsigned count = unwind_into(unwind, &unwind->inner, tid);
    const struct pm_unwound stack = unwound(unwind, &unwind->inner, count);

    pm_map_prefetch(&unwind->meanings, stack.hash);
    return stack;
}

bool pm_unwind_further(struct pm_unwind *unwind, u32 tid, bool (*is_end)(void *context, u64 ip),
                       void *context, struct pm_unwound *stack)
{
    const unsigned count = unwind_into(unwind, &unwind->further, tid);
    unsigned end = unwind->inner.limit;

    while (end < count && !is_end(context, unwind->further.walk.instructions[end]))
        end++;
    *stack = unwound(unwind, &unwind->further, end < count ? end + 1 : count);
    return end < count;
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
