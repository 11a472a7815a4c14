/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dwarf/pm_unwind_rules.h"

#include "base/pm_platform.h"

/* The register from which a frame's caller is found. */
enum base {
    BASE_NONE,
    BASE_STACK_POINTER,
    BASE_FRAME_POINTER,
};

/* The rule for an instruction is one word, since a walk spends most of its time waiting for the next
   rule:

     2 bits   the base
     8 bits   where the caller's frame pointer is, in words below the caller's stack pointer; 0: in its register
     16 bits  how far the caller's stack pointer is from the base, in words; the return address is in the
              word below it
     34 bits  the instruction without its lowest bits, which select the cell. Instructions of programs
              have 47 bits; others are damaged return addresses and have no rule */
enum {
    SAVED_SHIFT = 2, DISTANCE_SHIFT = 10, INSTRUCTION_SHIFT = 30,
    MAX_SAVED = 255, MAX_DISTANCE = 65535,
    CELL_BITS = 13, CELLS = 1 << CELL_BITS, INSTRUCTION_BITS = 47,
};

/* Usually so many frames differ from the last stack's. */
enum { NEWEST_FRAMES = 2 };

enum { WORD = sizeof(u64), MADE_UP_BYTES = 32768, PAGE_BYTES = 4096 };

/* The made-up stacks: the word at place p is p + added. The distance between the two pointers differs,
   so that a result has the same distance on both stacks from one pointer only. */
static const struct made_up {
    u64 stack_pointer, frame_pointer, added;
} made_up[2] = {
    { 2048, 12288, 0x0111000000000000 },
    { 4096, 12288, 0x0222000000000000 },
};

void pm_unwind_rules_init(struct pm_unwind_rules *rules, struct pm_reader *reader, pm_unwind_ask *ask, void *context)
{
    *rules = (struct pm_unwind_rules){ .reader = reader, .ask = ask, .context = context };
    rules->cells = pm_alloc_zero("pm.rules", CELLS * sizeof *rules->cells);
    rules->memory = pm_alloc("pm.rules", 2 * MADE_UP_BYTES + PAGE_BYTES);
    /* An unwinder may think that the stack ends at the end of a page. */
    char *aligned = pm_align(rules->memory, PAGE_BYTES);
    for (unsigned i = 0; i < 2; i++) {
        u64 *words = (u64 *)(void *)(aligned + i * MADE_UP_BYTES);
        for (u64 *word = words; word < words + MADE_UP_BYTES / WORD; word++)
            *word = (uintptr_t)word + made_up[i].added;
        rules->made_up[i] = words;
    }
}

void pm_unwind_rules_release(struct pm_unwind_rules *rules)
{
    pm_free(rules->cells);
    pm_free(rules->memory);
    *rules = (struct pm_unwind_rules){ 0 };
}

void pm_unwind_rules_forget(struct pm_unwind_rules *rules)
{
    pm_zero(rules->cells, CELLS * sizeof *rules->cells);
}

static u64 cell_of(u64 instruction)
{
    return (instruction ^ instruction >> CELL_BITS) % CELLS;
}

static u64 name_of(u64 instruction)
{
    return instruction >> CELL_BITS;
}

static enum base base_of(u64 rule)
{
    return rule % (1 << SAVED_SHIFT);
}

static u64 saved_of(u64 rule)
{
    return (rule >> SAVED_SHIFT & MAX_SAVED) * WORD;
}

static u64 distance_of(u64 rule)
{
    return (rule >> DISTANCE_SHIFT & MAX_DISTANCE) * WORD;
}

/* What the unwinder answers for one of the made-up stacks, in bytes. */
struct answer {
    u64 from_stack_pointer, from_frame_pointer;
    u64 saved;                      /* below the caller's stack pointer; 0: in its register */
};

static bool measure(const struct pm_unwind_rules *rules, unsigned number, u64 instruction,
                    struct answer *answer)
{
    const u64 low = (uintptr_t)rules->made_up[number], high = low + MADE_UP_BYTES - 1;
    const u64 added = made_up[number].added;
    const struct pm_unwind_frame from = {
        .instruction = instruction,
        .stack_pointer = low + made_up[number].stack_pointer,
        .frame_pointer = low + made_up[number].frame_pointer,
    };
    struct pm_unwind_frame to;

    if (!rules->ask(rules->context, &from, high, &to)
            || to.instruction + 1 != to.stack_pointer - WORD + added)
        return false;
    *answer = (struct answer){
        .from_stack_pointer = to.stack_pointer - from.stack_pointer,
        .from_frame_pointer = to.stack_pointer - from.frame_pointer,
    };
    if (to.frame_pointer == from.frame_pointer)
        return true;
    const u64 place = to.frame_pointer - added;
    answer->saved = to.stack_pointer - place;
    return place >= from.stack_pointer && place < to.stack_pointer;
}

static bool fits(u64 bytes, u64 most_words)
{
    return bytes % WORD == 0 && bytes / WORD <= most_words;
}

/* The rule that both answers follow. */
static u64 rule_of(const struct pm_unwind_rules *rules, u64 instruction)
{
    const u64 none = name_of(instruction) << INSTRUCTION_SHIFT;
    struct answer first, second;
    enum base base;
    u64 distance;

    if (!measure(rules, 0, instruction, &first) || !measure(rules, 1, instruction, &second))
        return none;
    if (first.from_stack_pointer == second.from_stack_pointer) {
        base = BASE_STACK_POINTER;
        distance = first.from_stack_pointer;
    } else if (first.from_frame_pointer == second.from_frame_pointer) {
        base = BASE_FRAME_POINTER;
        distance = first.from_frame_pointer;
    } else {
        return none;
    }
    if (first.saved != second.saved || !fits(first.saved, MAX_SAVED) || !fits(distance, MAX_DISTANCE))
        return none;
    return none | distance / WORD << DISTANCE_SHIFT | first.saved / WORD << SAVED_SHIFT | base;
}

/* The caller's stack pointer; 0 if it is not above this one and below high, as it must be. */
static inline u64 caller_by(u64 rule, u64 stack_pointer, u64 frame_pointer, u64 high)
{
    u64 base = base_of(rule) == BASE_STACK_POINTER ? stack_pointer : frame_pointer;
    u64 caller = base + distance_of(rule);

    return base >= stack_pointer && caller > stack_pointer && caller < high ? caller : 0;
}

/* Whether the rule and the unwinder find the same caller of frame. A frame that is larger than the made-up
   stacks may have given a wrong rule. */
static bool holds(const struct pm_unwind_rules *rules, u64 rule, const struct pm_unwind_frame *frame, u64 high)
{
    u64 caller = caller_by(rule, frame->stack_pointer, frame->frame_pointer, high);
    u64 address, saved = frame->frame_pointer;
    struct pm_unwind_frame to;

    if (caller == 0 || !pm_reader_read_u64(rules->reader, caller - WORD, &address)
            || (saved_of(rule) != 0
                && !pm_reader_read_u64(rules->reader, caller - saved_of(rule), &saved)))
        return false;
    if (!rules->ask(rules->context, frame, high, &to))
        return address <= 1;
    return to.instruction + 1 == address && to.stack_pointer == caller && to.frame_pointer == saved;
}

static __attribute__((noinline)) u64 learn(struct pm_unwind_rules *rules, const struct pm_unwind_frame *frame, u64 high)
{
    if (frame->instruction >> INSTRUCTION_BITS != 0)
        return BASE_NONE;
    u64 rule = rule_of(rules, frame->instruction);
    if (base_of(rule) != BASE_NONE && !holds(rules, rule, frame, high))
        rule = name_of(frame->instruction) << INSTRUCTION_SHIFT;
    rules->cells[cell_of(frame->instruction)] = rule;
    return rule;
}

/* The page that was read last. */
struct window {
    struct pm_reader *reader;
    u64 page;
    const u8 *bytes;                /* NULL: none */
};

static bool move_window(struct window *window, u64 address)
{
    window->page = address >> PM_READER_PAGE_BITS;
    window->bytes = pm_reader_page(window->reader, window->page);
    return window->bytes != NULL;
}

/* False also if the word crosses a page: no stack pointer has such an address. */
static inline bool read_word(struct window *window, u64 address, u64 *word)
{
    const u64 offset = address & ((1u << PM_READER_PAGE_BITS) - 1);

    if ((window->bytes == NULL || window->page != address >> PM_READER_PAGE_BITS)
            && !move_window(window, address))
        return false;
    if (offset > (1u << PM_READER_PAGE_BITS) - WORD)
        return false;
    pm_copy(word, window->bytes + offset, WORD);
    return true;
}

/* Prefetches what the last walk met: usually it is met again, and no longer in the nearest cache of the
   processor. Prefetching from an address without memory is harmless. */
static void prefetch(const struct pm_unwind_rules *rules, const struct pm_unwind_rules_walk *last)
{
    for (unsigned i = NEWEST_FRAMES; i < last->count; i++) {
        __builtin_prefetch(&rules->cells[cell_of(last->instructions[i])]);
        __builtin_prefetch((const void *)(last->stack_pointers[i] - WORD));
    }
}

enum pm_unwind_rules_end pm_unwind_rules_walk(struct pm_unwind_rules *rules, const struct pm_unwind_frame *frame, u64 high,
                                unsigned limit, struct pm_unwind_rules_walk *walk)
{
    struct window window = { .reader = rules->reader };
    /* Each step waits for the one before, so all that it needs is in registers. */
    u64 instruction = frame->instruction, stack_pointer = frame->stack_pointer;
    u64 frame_pointer = frame->frame_pointer, saved = 0;    /* saved: where it is; 0: it is known */
    const u64 *cells = rules->cells;
    unsigned count = 0;
    u64 address;

    prefetch(rules, walk);
    for (;;) {
        walk->instructions[count] = instruction;
        walk->stack_pointers[count] = stack_pointer;
        walk->count = ++count;
        if (count == limit)
            return PM_UNWIND_RULES_LIMIT;
        u64 rule = cells[cell_of(instruction)];
        const bool known = rule >> INSTRUCTION_SHIFT == name_of(instruction);
        if (!known || base_of(rule) != BASE_STACK_POINTER) {
            if (saved != 0 && !read_word(&window, saved, &frame_pointer))
                return PM_UNWIND_RULES_DAMAGED;
            if (!known) {
                const struct pm_unwind_frame at = { instruction, stack_pointer, frame_pointer };
                rule = learn(rules, &at, high);
            }
            if (base_of(rule) == BASE_NONE) {
                walk->frame_pointer = frame_pointer;
                return PM_UNWIND_RULES_ASK;
            }
        }
        const u64 caller = caller_by(rule, stack_pointer, frame_pointer, high);
        if (caller == 0 || !read_word(&window, caller - WORD, &address))
            return PM_UNWIND_RULES_DAMAGED;
        if (address <= 1)
            return PM_UNWIND_RULES_OUTERMOST;
        if (saved_of(rule) != 0)
            saved = caller - saved_of(rule);
        stack_pointer = caller;
        instruction = address - 1;
    }
}
