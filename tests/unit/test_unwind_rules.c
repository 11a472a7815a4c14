/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Learned rules against an unwinder that knows, on random stacks of functions of each kind, sound and damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "dwarf/pm_unwind_rules.h"
#include "pm_random.h"

enum {
    PAGE = 1 << PM_READER_PAGE_BITS, STACK_BYTES = 64 * PAGE, STACK_WORDS = STACK_BYTES / 8,
    FUNCTIONS = 3000, MOST_FRAMES = 40, RED_ZONE = 128,
};

enum kind {
    BY_STACK_POINTER,       /* the caller's stack pointer is so far above its own */
    BY_FRAME_POINTER,       /* ... so far above the frame pointer */
    SIGNAL,                 /* the caller's registers are in memory */
    GUESSED,                /* nothing is known: the word on top is taken for a return address */
    LARGE,                  /* by stack pointer, larger than what is made up */
    UNALIGNED,
    KINDS,
};

struct function {
    enum kind kind;
    u64 distance, saved;    /* bytes; saved: 0, or below the caller's stack pointer */
};

struct client {
    struct pm_reader reader;
    struct pm_unwind_rules rules;
    struct function functions[FUNCTIONS];
    unsigned asked;
    u64 *stack;             /* STACK_WORDS */
    void *memory;
};

/* Instructions of near functions share the slots of others. */
static u64 instruction_of(unsigned function)
{
    return 0x7f0000001000ull + function * 77ull + (function % 3) * 0x2000000ull;
}

static const struct function *function_at(const struct client *client, u64 instruction)
{
    for (unsigned third = 0; third < 3; third++) {
        u64 offset = instruction - 0x7f0000001000ull - third * 0x2000000ull;
        if (offset % 77 == 0 && offset / 77 < FUNCTIONS && offset / 77 % 3 == third)
            return &client->functions[offset / 77];
    }
    return NULL;
}

static const u8 *map_page(void *context, u64 address)
{
    struct client *client = context;
    u64 low = (uintptr_t)client->stack;

    return address >= low && address < low + STACK_BYTES ? (const u8 *)(uintptr_t)address : NULL;
}

static bool read(u64 address, const struct pm_unwind_frame *from, u64 high, u64 *word)
{
    if (address < from->stack_pointer - RED_ZONE || address > high - 7)
        return false;
    memcpy(word, (const void *)(uintptr_t)address, sizeof *word);
    return true;
}

/* As coregrind/m_stacktrace.c of Valgrind 3.19 does it for amd64: by what is known of the function, then by frame
   pointer, then by a guess. */
static bool ask(void *context, const struct pm_unwind_frame *from, u64 high, struct pm_unwind_frame *to)
{
    struct client *client = context;
    const struct function *function = function_at(client, from->instruction);
    u64 caller = 0, address = 0, frame_pointer = from->frame_pointer;
    bool known = false;

    client->asked++;
    if (function != NULL) {
        switch (function->kind) {
        case BY_STACK_POINTER:
        case LARGE:
        case UNALIGNED:
            caller = from->stack_pointer + function->distance;
            known = read(caller - 8, from, high, &address);
            break;
        case BY_FRAME_POINTER:
            caller = from->frame_pointer + function->distance;
            known = read(caller - 8, from, high, &address);
            break;
        case SIGNAL:
            known = read(from->stack_pointer + 40, from, high, &caller)
                && read(from->stack_pointer + 48, from, high, &address)
                && read(from->stack_pointer + 56, from, high, &frame_pointer);
            break;
        default:
            break;
        }
        if (known && function->saved != 0)
            known = read(caller - function->saved, from, high, &frame_pointer);
    }
    if (!known) {
        frame_pointer = from->frame_pointer;
        known = read(frame_pointer, from, high - 8, &frame_pointer)
            && read(from->frame_pointer + 8, from, high, &address);
        caller = from->frame_pointer + 16;
    }
    if (known) {
        *to = (struct pm_unwind_frame){ address - 1, caller, frame_pointer };
        return address > 1 && caller > from->stack_pointer;
    }
    *to = (struct pm_unwind_frame){ 0, from->stack_pointer, from->frame_pointer };
    if (!read(from->stack_pointer, from, high, &address) || address <= 1)
        return false;
    to->instruction = address - 1;
    return true;
}

static void make_functions(struct client *client, struct pm_random *random, bool only_steady)
{
    for (unsigned i = 0; i < FUNCTIONS; i++) {
        u64 what = pm_random_below(random, 40);
        enum kind kind = only_steady || what >= KINDS ? what % 2 : what;
        u64 words = 1 + pm_random_below(random, pm_random_below(random, 20) == 0 ? 900 : 12);
        client->functions[i] = (struct function){ .kind = kind, .distance = words * 8 };
        if (kind == BY_FRAME_POINTER)
            client->functions[i] = (struct function){ kind, 16, 16 };
        else if (kind == LARGE)
            client->functions[i].distance = 33000 + words * 8;
        else if (kind == UNALIGNED)
            client->functions[i].distance += 4;
        else if (words > 2 && kind == BY_STACK_POINTER && pm_random_below(random, 2) != 0)
            client->functions[i].saved = 16 + 8 * pm_random_below(random, (words < 200 ? words : 200) - 2);
    }
}

static void start(struct client *client, struct pm_random *random, bool only_steady)
{
    client->memory = malloc(STACK_BYTES + PAGE);
    client->stack = (u64 *)(void *)((char *)client->memory + -(uintptr_t)client->memory % PAGE);
    pm_reader_init(&client->reader, map_page, client);
    pm_unwind_rules_init(&client->rules, &client->reader, ask, client);
    make_functions(client, random, only_steady);
}

static void stop(struct client *client)
{
    pm_unwind_rules_release(&client->rules);
    free(client->memory);
    free(client);
}

static void put(u64 address, u64 word)
{
    memcpy((void *)(uintptr_t)address, &word, sizeof word);
}

/* Lays out the frames of random functions and returns the innermost's registers. */
static struct pm_unwind_frame make_stack(struct client *client, struct pm_random *random)
{
    const u64 low = (uintptr_t)client->stack, high = low + STACK_BYTES - 1;
    const unsigned frames = 1 + (unsigned)pm_random_below(random, MOST_FRAMES);
    unsigned called[MOST_FRAMES + 1];
    u64 sps[MOST_FRAMES + 1], fp = pm_random_u64(random) % 2 ? low + pm_random_below(random, STACK_BYTES) : 7;

    for (unsigned i = 0; i < STACK_WORDS; i++)
        client->stack[i] = pm_random_below(random, 4) == 0 ? instruction_of(i % FUNCTIONS) + 1 : i;
    sps[0] = low + 8 * (32 + pm_random_below(random, 600));
    unsigned count = 0;
    for (; count < frames; count++) {
        called[count] = (unsigned)pm_random_below(random, FUNCTIONS);
        const struct function *function = &client->functions[called[count]];
        u64 size = function->kind == BY_FRAME_POINTER ? 24 + 8 * pm_random_below(random, 30)
            : function->kind == SIGNAL || function->kind == GUESSED ? 64 : function->distance;
        if (sps[count] + size + 600 > high)
            break;
        sps[count + 1] = sps[count] + size;
    }
    /* From the outermost frame on, whose caller there is none of. */
    u64 address = pm_random_below(random, 2);
    for (unsigned i = count; i-- > 0;) {
        const struct function *function = &client->functions[called[i]];
        const u64 caller = sps[i + 1], at = sps[i];
        switch (function->kind) {
        case SIGNAL:
            put(at + 40, caller);
            put(at + 48, address);
            put(at + 56, fp);
            break;
        case GUESSED:
            put(at, address);
            break;
        default:
            put(caller - 8, address);
            if (function->saved != 0)
                put(caller - function->saved, fp);
        }
        if (function->kind == BY_FRAME_POINTER)
            fp = caller - function->distance;
        else if (function->saved != 0)
            fp = pm_random_u64(random);
        address = instruction_of(called[i]) + 1;
    }
    return (struct pm_unwind_frame){ address - 1, sps[0], fp };
}

/* Walks, and compares with the unwinder alone. */
static enum pm_unwind_rules_end compare(struct client *client, struct pm_unwind_frame frame, unsigned limit)
{
    const u64 high = (uintptr_t)client->stack + STACK_BYTES - 1;
    unsigned long instructions[MOST_FRAMES], stack_pointers[MOST_FRAMES];
    struct pm_unwind_rules_walk walk = { .instructions = instructions, .stack_pointers = stack_pointers };
    enum pm_unwind_rules_end end = pm_unwind_rules_walk(&client->rules, &frame, high, limit, &walk);
    bool more = true;

    assert_in_range(walk.count, 1, limit);
    for (unsigned i = 0; i < walk.count; i++) {
        assert_true(more);
        assert_int_equal(instructions[i], frame.instruction);
        assert_int_equal(stack_pointers[i], frame.stack_pointer);
        if (i + 1 == walk.count && end == PM_UNWIND_RULES_ASK)
            assert_int_equal(walk.frame_pointer, frame.frame_pointer);
        struct pm_unwind_frame caller;
        more = ask(client, &frame, high, &caller);
        frame = caller;
    }
    if (end == PM_UNWIND_RULES_LIMIT)
        assert_int_equal(walk.count, limit);
    if (end == PM_UNWIND_RULES_OUTERMOST)
        assert_false(more);
    return end;
}

static void test_random(void **state)
{
    struct pm_random random = pm_random_start();
    struct client *client = calloc(1, sizeof *client);
    unsigned ends[PM_UNWIND_RULES_DAMAGED + 1] = { 0 };

    (void)state;
    start(client, &random, false);
    for (int round = 0; round < 4; round++) {
        for (int number = 0; number < 1500; number++) {
            struct pm_unwind_frame frame = make_stack(client, &random);
            unsigned limit = 1 + (unsigned)pm_random_below(&random, MOST_FRAMES);
            ends[compare(client, frame, limit)]++;
            for (int damage = 0; damage < 3; damage++) {
                for (int i = 0; i < 60; i++) {
                    u64 place = (uintptr_t)client->stack + 8 * pm_random_below(&random, STACK_WORDS);
                    client->stack[pm_random_below(&random, STACK_WORDS / 4)]
                        = i % 2 ? place : pm_random_any_size(&random);
                }
                ends[compare(client, frame, limit)]++;
            }
        }
        make_functions(client, &random, false);
        pm_unwind_rules_forget(&client->rules);
    }
    for (unsigned i = 0; i <= PM_UNWIND_RULES_DAMAGED; i++)
        assert_true(ends[i] > 50);
    stop(client);
}

/* What follows a rule is asked about once, as long as its slot is not taken: few share one in a stack. */
static void test_learns(void **state)
{
    struct pm_random random = pm_random_start();
    struct client *client = calloc(1, sizeof *client);
    unsigned long instructions[MOST_FRAMES], stack_pointers[MOST_FRAMES];
    struct pm_unwind_rules_walk walk = { .instructions = instructions, .stack_pointers = stack_pointers };
    unsigned again = 0;

    (void)state;
    start(client, &random, true);
    for (int number = 0; number < 500; number++) {
        struct pm_unwind_frame frame = make_stack(client, &random);
        const u64 high = (uintptr_t)client->stack + STACK_BYTES - 1;
        enum pm_unwind_rules_end end = pm_unwind_rules_walk(&client->rules, &frame, high, MOST_FRAMES, &walk);
        assert_int_equal(end, walk.count < MOST_FRAMES ? PM_UNWIND_RULES_OUTERMOST : PM_UNWIND_RULES_LIMIT);
        const unsigned asked = client->asked;
        pm_unwind_rules_walk(&client->rules, &frame, high, MOST_FRAMES, &walk);
        again += client->asked - asked;
    }
    assert_in_range(again, 0, 500 * 2);
    /* All are known by now, but for those that drive each other out. */
    client->asked = 0;
    for (int number = 0; number < 500; number++) {
        struct pm_unwind_frame frame = make_stack(client, &random);
        pm_unwind_rules_walk(&client->rules, &frame, (uintptr_t)client->stack + STACK_BYTES - 1, MOST_FRAMES, &walk);
    }
    assert_in_range(client->asked, 0, 500 * 20);
    stop(client);
}

/* A damaged return address teaches nothing about the instruction that it resembles. */
static void test_resembling(void **state)
{
    struct pm_random random = pm_random_start();
    struct client *client = calloc(1, sizeof *client);
    struct pm_unwind_frame frame = { 0 };

    (void)state;
    start(client, &random, true);
    client->functions[1] = (struct function){ BY_STACK_POINTER, 64, 0 };
    memset(client->stack, 0x55, STACK_BYTES);
    frame.stack_pointer = (uintptr_t)client->stack + 1024;
    frame.frame_pointer = frame.stack_pointer + 96;
    for (unsigned bit = 47; bit < 64; bit++) {
        frame.instruction = instruction_of(1) | 1ull << bit;
        assert_int_equal(compare(client, frame, 2), PM_UNWIND_RULES_ASK);
        frame.instruction = instruction_of(1);
        assert_int_equal(compare(client, frame, 2), PM_UNWIND_RULES_LIMIT);
    }
    stop(client);
}

/* A stack that cannot be read, or whose end is near. */
static void test_unreadable(void **state)
{
    struct pm_random random = pm_random_start();
    struct client *client = calloc(1, sizeof *client);
    unsigned long instructions[2], stack_pointers[2];
    struct pm_unwind_rules_walk walk = { .instructions = instructions, .stack_pointers = stack_pointers };
    struct pm_unwind_frame frame = { .instruction = instruction_of(1) };

    (void)state;
    start(client, &random, true);
    const u64 low = (uintptr_t)client->stack;
    client->functions[1] = (struct function){ BY_STACK_POINTER, 64, 0 };
    memset(client->stack, 0x55, STACK_BYTES);
    frame.stack_pointer = low + 1024;
    assert_int_equal(pm_unwind_rules_walk(&client->rules, &frame, low + STACK_BYTES - 1, 2, &walk), PM_UNWIND_RULES_LIMIT);
    assert_int_equal(instructions[1], 0x5555555555555554);
    frame.stack_pointer = low - PAGE;
    assert_int_equal(pm_unwind_rules_walk(&client->rules, &frame, low + STACK_BYTES - 1, 2, &walk),
                     PM_UNWIND_RULES_DAMAGED);
    assert_int_equal(walk.count, 1);
    frame.stack_pointer = low + 1024;
    assert_int_equal(pm_unwind_rules_walk(&client->rules, &frame, low + 1024 + 63, 2, &walk), PM_UNWIND_RULES_DAMAGED);
    stop(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_learns),
        cmocka_unit_test(test_resembling),
        cmocka_unit_test(test_unreadable),
    };
    return pm_random_verdict(cmocka_run_group_tests(tests, NULL, NULL));
}
