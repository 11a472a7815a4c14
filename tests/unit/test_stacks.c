/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stack tree against a libc search tree of whole stacks, and against itself
   filled by pushes alone, which do not know the last stack. */
#define _GNU_SOURCE         /* tdestroy */
#include <search.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "heap/pm_stacks.h"
#include "pm_random.h"

struct known_stack {
    u32 id;
    size_t count;
    struct pm_frame_id frames[];
};

static int compare_known(const void *x, const void *y)
{
    const struct known_stack *a = x, *b = y;

    if (a->count != b->count)
        return a->count < b->count ? -1 : 1;
    return memcmp(a->frames, b->frames, a->count * sizeof a->frames[0]);
}

static u32 push_all(struct pm_stacks *stacks, const struct pm_frame_id *frames, size_t count)
{
    struct pm_stack_id id = PM_STACK_EMPTY;

    while (count > 0)
        id = pm_stacks_push(stacks, id, frames[--count]);
    return id.v;
}

/* Expects these frames of id, innermost first, and ids that decrease outwards. */
static void assert_frames(const struct pm_stacks *stacks, u32 id,
                          const struct pm_frame_id *frames, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_true(id != 0 && id < stacks->count);
        struct pm_stack_node node = pm_stacks_node(stacks, (struct pm_stack_id){ id });
        assert_int_equal(node.frame.v, frames[i].v);
        assert_true(node.parent.v < id);
        id = node.parent.v;
    }
    assert_int_equal(id, 0);
}

/* Turns stack into one that a program might have next: returns from some calls and makes others. Sometimes
   it is another thread's stack. Outermost first. */
static size_t step_stack(struct pm_random *random, struct pm_frame_id *stack, size_t count,
                         size_t most, u32 distinct)
{
    size_t returns = pm_random_below(random, 10) ? pm_random_below(random, 4) : most;
    size_t calls = pm_random_below(random, 4);

    if (returns == most)
        calls += pm_random_below(random, most);
    count -= returns < count ? returns : count;
    for (; calls > 0 && count < most; calls--)
        stack[count++].v = (u32)pm_random_below(random, distinct);
    return count;
}

/* Interns random stacks in all three: of at most so many frames, so many of them distinct. */
static void run(struct pm_random *random, size_t most, u32 distinct, int steps)
{
    struct pm_frame_id *outward = calloc(most, sizeof *outward);
    struct pm_stacks stacks, pushed;
    void *tree = NULL;
    size_t count = 0;

    pm_stacks_init(&stacks);
    pm_stacks_init(&pushed);
    for (int step = 0; step < steps; step++) {
        count = step_stack(random, outward, count, most, distinct);
        struct known_stack *probe = malloc(sizeof *probe + count * sizeof probe->frames[0]);
        probe->count = count;
        for (size_t i = 0; i < count; i++)
            probe->frames[i] = outward[count - 1 - i];
        probe->id = pm_stacks_intern(&stacks, probe->frames, count).v;
        assert_int_equal(push_all(&pushed, probe->frames, count), probe->id);
        assert_int_equal(pushed.count, stacks.count);
        assert_frames(&stacks, probe->id, probe->frames, count);
        struct known_stack *known = *(struct known_stack **)tsearch(probe, &tree, compare_known);
        if (known != probe) {
            assert_int_equal(probe->id, known->id);
            free(probe);
        }
        /* What is pushed between does not mislead the next. */
        if (pm_random_below(random, 3) == 0) {
            struct pm_stack_id parent = { (u32)pm_random_below(random, stacks.count) };
            struct pm_frame_id frame = { (u32)pm_random_below(random, distinct) };
            u32 id = pm_stacks_push(&stacks, parent, frame).v;
            assert_int_equal(pm_stacks_push(&pushed, parent, frame).v, id);
        }
    }
    tdestroy(tree, free);
    pm_stacks_release(&pushed);
    pm_stacks_release(&stacks);
    free(outward);
}

static void test_shallow(void **state)
{
    struct pm_random random = pm_random_start();

    (void)state;
    run(&random, 5, 3, 50000);      /* all stacks there can be, met often */
}

static void test_usual(void **state)
{
    struct pm_random random = pm_random_start();

    (void)state;
    run(&random, 60, 40, 50000);
}

static void test_deep(void **state)
{
    enum { DEPTH = 20000 };
    struct pm_frame_id *frames = calloc(DEPTH, sizeof *frames);
    struct pm_stacks stacks;

    (void)state;
    pm_stacks_init(&stacks);
    /* Recursion to the limit, and back. */
    for (u32 depth = 0; depth <= DEPTH; depth += 500)
        assert_int_equal(pm_stacks_intern(&stacks, frames, depth).v, depth);
    for (u32 depth = DEPTH; depth > 0; depth -= 500)
        assert_int_equal(pm_stacks_intern(&stacks, frames, depth).v, depth);
    assert_frames(&stacks, DEPTH, frames, DEPTH);
    assert_int_equal(stacks.count, DEPTH + 1);
    pm_stacks_release(&stacks);
    free(frames);
}

/* More frames called from one place than there are cells near it. */
static void test_wide(void **state)
{
    enum { WIDTH = 20000 };
    struct pm_stacks stacks;

    (void)state;
    pm_stacks_init(&stacks);
    for (u32 round = 0; round < 2; round++)
        for (u32 i = 0; i < WIDTH; i++) {
            struct pm_stack_id id = pm_stacks_push(&stacks, PM_STACK_EMPTY,
                                                   (struct pm_frame_id){ i });
            assert_int_equal(id.v, i + 1);
        }
    pm_stacks_release(&stacks);
}

static void test_empty(void **state)
{
    struct pm_frame_id frame = { 0 };
    struct pm_stacks stacks;

    (void)state;
    pm_stacks_init(&stacks);
    assert_int_equal(pm_stacks_intern(&stacks, NULL, 0).v, PM_STACK_EMPTY.v);
    assert_int_equal(stacks.count, 1);
    /* Frame 0 under the empty stack is not the empty stack. */
    assert_int_equal(pm_stacks_intern(&stacks, &frame, 1).v, 1);
    assert_int_equal(pm_stacks_intern(&stacks, NULL, 0).v, 0);
    assert_int_equal(pm_stacks_intern(&stacks, &frame, 1).v, 1);
    pm_stacks_release(&stacks);
}

/* Frame ids above 2^31 and stacks that differ in the outermost frame alone. */
static void test_extreme_frames(void **state)
{
    struct pm_frame_id a[] = { { UINT32_MAX }, { 1 }, { 0 } };
    struct pm_frame_id b[] = { { UINT32_MAX }, { 1 }, { UINT32_MAX } };
    struct pm_stacks stacks;

    (void)state;
    pm_stacks_init(&stacks);
    u32 first = pm_stacks_intern(&stacks, a, 3).v;
    u32 second = pm_stacks_intern(&stacks, b, 3).v;
    assert_true(first != second);
    assert_int_equal(pm_stacks_intern(&stacks, a, 3).v, first);
    assert_frames(&stacks, first, a, 3);
    assert_frames(&stacks, second, b, 3);
    assert_int_equal(stacks.count, 7);
    pm_stacks_release(&stacks);
}

/* What is known is found still, and what is new is cut to what is known. */
static void test_full_table(void **state)
{
    enum { LIMIT = 1000 };
    struct pm_stacks stacks;
    struct pm_frame_id frames[4];

    (void)state;
    pm_stacks_init(&stacks);
    stacks.limit = LIMIT;
    for (u32 i = 0; i < 3 * LIMIT; i++) {
        for (u32 depth = 0; depth < 4; depth++)
            frames[3 - depth] = (struct pm_frame_id){ 1 + depth * 10000 + i / (depth == 0 ? 100 : 1) };
        struct pm_stack_id id = pm_stacks_intern(&stacks, frames, 4);
        assert_true(id.v < stacks.count && stacks.count <= LIMIT);
        if (stacks.refused > 0)
            continue;
        assert_frames(&stacks, id.v, frames, 4);
    }
    assert_int_equal(stacks.count, LIMIT);
    assert_true(stacks.refused > 0);
    for (u32 depth = 0; depth < 4; depth++)
        frames[3 - depth] = (struct pm_frame_id){ 1 + depth * 10000 };
    assert_frames(&stacks, pm_stacks_intern(&stacks, frames, 4).v, frames, 4);
    frames[0] = (struct pm_frame_id){ 77777 };
    assert_frames(&stacks, pm_stacks_intern(&stacks, frames, 4).v, frames + 1, 3);
    pm_stacks_release(&stacks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full_table),
        cmocka_unit_test(test_shallow),
        cmocka_unit_test(test_usual),
        cmocka_unit_test(test_deep),
        cmocka_unit_test(test_wide),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_extreme_frames),
    };
    return pm_random_verdict(cmocka_run_group_tests(tests, NULL, NULL));
}
