/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a reader with little time reads: short histograms, the peak by line, the conclusion. */
#include "pm_text_world.h"

/* The peak was while line 1 had its memory; line 2 requested its own later. */
static void test_peak_by_line(void **state)
{
    struct world *world = *state;
    struct pm_stack_id first = python_stack(world, "a.py", "f", 1);

    pm_fixture_allocate(&world->fixture, first, 3, 1000, 0);
    pm_fixture_allocate(&world->fixture, caller_stack(world, "/lib/a.so", "g"), 1, 10, 0);
    pm_fixture_free(&world->fixture, first, 2, 1000, 0);
    pm_fixture_allocate(&world->fixture, python_stack(world, "a.py", "f", 2), 1, 500, 0);
    world->options.histograms = 0;
    const char *text = report(world);
    assert_has(text,
        "Blocks allocated at the peak, by Python line:\n\n"
        "           bytes      blocks     average  line\n"
        "           3,000           3       1,000  a.py:1 (f)\n"
        "              10           1          10  no Python frame\n"
        "  --------------------------------------\n"
        "           3,010           4         753  peak heap usage\n\n");
    assert_has(text,
        "   at the peak 3,010 bytes in 4 blocks, see \"Blocks allocated at the peak\"\n"
        "     3,000 bytes in 3 blocks: a.py:1 (f)\n"
        "   in use at exit 1,510 bytes in 3 blocks, see \"Blocks still allocated at exit\"\n");
}

/* What was live before finalization, which frees it; line 3 requests its memory later. */
static void test_before_finalization(void **state)
{
    struct world *world = *state;
    struct pm_stack_id cache = python_stack(world, "a.py", "f", 1);
    struct pm_stack_id kept = python_stack(world, "a.py", "f", 2);
    struct pm_sites_moment before;

    pm_fixture_allocate(&world->fixture, cache, 3, 1000, 8);
    pm_fixture_allocate(&world->fixture, kept, 1, 10, 0);
    pm_sites_moment_take(&before, &world->fixture.sites);
    pm_fixture_free(&world->fixture, cache, 3, 1000, 8);
    pm_fixture_allocate(&world->fixture, python_stack(world, "a.py", "f", 3), 1, 500, 0);
    world->options.histograms = 0;
    assert_has_not(report(world), "before");
    world->fixture.profile.before = &before;
    const char *text = report(world);
    assert_order(text, "Blocks allocated at the peak",
        "Blocks allocated before the interpreter's finalization, by Python line:\n\n"
        "           bytes      blocks     average  line\n"
        "           3,000           3       1,000  a.py:1 (f)\n"
        "              10           1          10  a.py:2 (f)\n"
        "  --------------------------------------\n"
        "           3,010           4         753  as requested\n"
        "              24                          padding added by CPython's debug hooks\n"
        "           3,034           4         759  in use then\n\n"
        "Blocks still allocated at exit");
    assert_has(text, "   in use before finalization 3,034 bytes in 4 blocks,"
                     " see \"Blocks allocated before the interpreter's finalization\"\n");
    world->fixture.profile.before = NULL;
    pm_sites_moment_release(&before);
}

/* By default a row is one line. */
static void test_short_histograms(void **state)
{
    struct world *world = *state;

    for (u32 line = 1; line <= 4; line++)
        pm_fixture_allocate(&world->fixture, python_stack(world, "/x/a.py", "f", line), line, 1000, 0);
    pm_fixture_allocate(&world->fixture, python_stack(world, "/x/a.py", "f", 4), 1, 1, 0);
    world->options.draw_histograms = false;
    world->options.histogram_top = 3;
    const char *text = report(world);
    assert_has(text,
        "Python malloc byte distributions by Python file and line,\n"
        "   a.py:2 (f), bytes total = 2000 in 2 requests, most of 512 to 1,023 bytes\n"
        "   a.py:3 (f), bytes total = 3000 in 3 requests, most of 512 to 1,023 bytes\n"
        "   a.py:4 (f), bytes total = 4001 in 5 requests, most of 512 to 1,023 bytes\n"
        "   All by Python file and line: 10,001 bytes in 11 blocks, 4 lines\n");
    assert_has(text, "   stack trace, total bytes = 3000 in 3 requests, most of 512 to 1,023 bytes, [ a.py:3 (f) ]\n");
    assert_has(text, "   (--histogram-top=10 draws the distributions of ten rows of each kind)\n");
    assert_has_not(text, "Distribution");
}

static void lose(struct pm_losses *losses, enum pm_loss_kind kind, struct pm_stack_id stack, u64 bytes)
{
    pm_losses_add(losses, &(struct pm_loss_item){
        .kind = kind, .stack = stack, .bytes = bytes, .serial = bytes, .thread = 1 });
}

/* The conclusion names the heaviest leaks, those of both searches once, and none that is suppressed or
   still reachable. */
static void test_conclusion(void **state)
{
    struct world *world = *state;
    struct pm_fixture *fixture = &world->fixture;
    struct pm_losses before, after;
    struct pm_stack_id stacks[5];

    for (u32 line = 0; line < 5; line++) {
        char function[] = { 'f', (char)('a' + line), '\0' };
        stacks[line] = python_stack(world, "/x/a.py", function, line + 1);
    }
    pm_losses_init(&before, &fixture->strings, &fixture->frames, &fixture->stacks, PM_LOSS_MEDIUM);
    pm_losses_init(&after, &fixture->strings, &fixture->frames, &fixture->stacks, PM_LOSS_MEDIUM);
    for (u32 line = 0; line < 4; line++)
        lose(&before, PM_LOSS_DEFINITE, stacks[line], 10 * (line + 1));
    lose(&before, PM_LOSS_REACHABLE, stacks[4], 5000);
    lose(&after, PM_LOSS_DEFINITE, stacks[0], 10);
    lose(&after, PM_LOSS_POSSIBLE, stacks[1], 20);      /* what was definitely lost */
    lose(&after, PM_LOSS_POSSIBLE, caller_stack(world, "/lib/a.so", "g"), 7);
    pm_losses_finish(&before);
    pm_losses_finish(&after);
    fixture->profile.losses_before = &before;
    fixture->profile.losses = &after;
    assert_has(report(world),
        "CONCLUSION:\n"
        "   5 leaks, see \"Leaks before the interpreter's finalization\" and \"Leaks at exit\"\n"
        "     40 bytes in 1 blocks definitely lost: a.py:4 (fd)\n"
        "     30 bytes in 1 blocks definitely lost: a.py:3 (fc)\n"
        "     20 bytes in 1 blocks definitely lost: a.py:2 (fb)\n"
        "     and 2 leaks more\n");
    for (u32 i = 0; i < before.count; i++)
        if (before.records[i].kind == PM_LOSS_DEFINITE)
            pm_losses_suppress(&before, &before.records[i]);
    assert_has(report(world),
        "   2 leaks, see \"Leaks before the interpreter's finalization\" and \"Leaks at exit\"\n"
        "     20 bytes in 1 blocks possibly lost: a.py:2 (fb)\n"
        "     7 bytes in 1 blocks possibly lost: a.so`g\n"
        "   in use");
    fixture->profile.losses = NULL;
    assert_has(report(world), "CONCLUSION:\n   no leaks\n");
    fixture->profile.losses_before = NULL;
    pm_losses_release(&before);
    pm_losses_release(&after);
}

/* Wrong frees and over-released objects come first, and leaks of imports last; never more than ten lines. */
static void test_conclusion_of_errors(void **state)
{
    struct world *world = *state;
    struct pm_fixture *fixture = &world->fixture;
    struct pm_wrong_free_sums wrong;
    struct pm_losses after;
    const struct pm_stack_id freed = python_stack(world, "/x/a.py", "free", 9);
    const struct pm_wrong_free invalid = { .kind = PM_FREE_INVALID, .stack = freed };
    const struct pm_wrong_free mismatch = { .kind = PM_FREE_MISMATCH, .stack = freed };

    pm_losses_init(&after, &fixture->strings, &fixture->frames, &fixture->stacks, PM_LOSS_MEDIUM);
    for (u32 line = 0; line < 5; line++) {
        char function[] = { 'i', (char)('a' + line), '\0' };
        pm_losses_add(&after, &(struct pm_loss_item){
            .kind = PM_LOSS_DEFINITE, .bytes = 900 - line, .serial = line + 1, .thread = 1,
            .stack = python_stack(world, line < 4 ? "<frozen importlib._bootstrap>" : "/x/m.py", function, line + 1) });
    }
    pm_losses_add(&after, &(struct pm_loss_item){
        .kind = PM_LOSS_DEFICIT, .stack = freed, .bytes = 56, .serial = 9, .thread = 1, .missing_references = 4 });
    pm_losses_finish(&after);
    pm_wrong_free_sums_init(&wrong);
    fixture->profile.losses = &after;
    fixture->profile.wrong_frees = &wrong;
    assert_has(report(world), "CONCLUSION:\n   1 over-released object, see \"Leaks at exit\": a.py:9 (free)\n   5 leaks, see");
    assert_int_equal(pm_wrong_free_sums_again(&wrong, &invalid), 0);
    pm_wrong_free_sums_add(&wrong, &invalid);
    assert_has(report(world), "CONCLUSION:\n   1 invalid free: a.py:9 (free)\n   1 over");
    pm_wrong_free_sums_add(&wrong, &mismatch);
    assert_int_equal(pm_wrong_free_sums_again(&wrong, &mismatch), 2);
    assert_has(report(world),
        "CONCLUSION:\n"
        "   3 wrong frees (2 mismatched, 1 invalid), the first: a.py:9 (free)\n"
        "   1 over-released object, see \"Leaks at exit\": a.py:9 (free)\n"
        "   5 leaks, see \"Leaks at exit\"\n"
        "     896 bytes in 1 blocks definitely lost: m.py:5 (ie)\n"
        "     900 bytes in 1 blocks definitely lost: <frozen importlib._bootstrap>:1 (ia)\n"
        "     and 3 leaks more\n");
    pm_wrong_free_sums_forked(&wrong);
    assert_has(report(world), "CONCLUSION:\n   1 over-released object");
    assert_int_equal(pm_wrong_free_sums_again(&wrong, &mismatch), 1);
    assert_has(report(world), "CONCLUSION:\n   1 mismatched free: a.py:9 (free)\n   1 over-released object");
    fixture->profile.wrong_frees = NULL;
    fixture->profile.losses = NULL;
    pm_wrong_free_sums_release(&wrong);
    pm_losses_release(&after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_peak_by_line),
        TEST(test_before_finalization),
        TEST(test_short_histograms),
        TEST(test_conclusion),
        TEST(test_conclusion_of_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
