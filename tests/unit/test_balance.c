/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The balance of reference counts: random changes against plain sums, the limit of memory, and who is blamed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "heap/pm_balance_judge.h"
#include "pm_random.h"

enum { NO_LIMIT = 1 << 30 };

static u32 place(struct pm_balance *balance, u32 owner, enum pm_balance_role role, u32 stack, bool up)
{
    const struct pm_balance_owner named = {
        .name = { owner }, .role = role, .shown = { stack }, .has_shown = true,
    };
    const u32 known = pm_balance_find_place(balance, (struct pm_stack_id){ stack }, PM_BALANCE_CHANGE, up);

    return known != PM_BALANCE_NO_PLACE ? known
        : pm_balance_add_place(balance, (struct pm_stack_id){ stack }, PM_BALANCE_CHANGE, up, &named);
}

static u32 watch(struct pm_balance *balance, u64 address, u64 line)
{
    const u32 group = pm_balance_group(balance, line, (struct pm_string_id){ 1 }, PM_STACK_EMPTY);

    return pm_balance_watch(balance, address, group, PM_STACK_EMPTY, 0);
}

/* Objects that live and die at random: counts and nets are those of plain sums over all events. */
static void test_random_changes(void **state)
{
    enum { OBJECTS = 40, PLACES = 120, OWNERS = 7, STEPS = 200000 };
    static i64 counts[OBJECTS], nets[OBJECTS][OWNERS];
    static u64 ups[OBJECTS], downs[OBJECTS];
    u32 index[OBJECTS];
    struct pm_random random = pm_random_start();
    struct pm_balance balance;
    u64 changes = 0, ended = 0;

    (void)state;
    pm_balance_init(&balance, NO_LIMIT);
    for (u32 i = 0; i < OBJECTS; i++)
        index[i] = watch(&balance, i + 1, i % 3);
    for (int step = 0; step < STEPS; step++) {
        const u32 i = (u32)pm_random_below(&random, OBJECTS), stack = (u32)pm_random_below(&random, PLACES) + 1;
        const u32 owner = stack % OWNERS;
        const bool up = pm_random_below(&random, 2) != 0;
        const u64 amount = pm_random_below(&random, 3) + 1;
        if (pm_random_below(&random, 500) == 0) {
            assert_int_equal(balance.objects[index[i]].count, counts[i]);
            assert_int_equal(balance.objects[index[i]].up, ups[i]);
            assert_int_equal(balance.objects[index[i]].down, downs[i]);
            const i64 *found = pm_balance_nets(&balance, index[i]);
            for (u32 o = 0; o < balance.owner_count; o++)
                assert_int_equal(found[o], nets[i][balance.owners[o].name.v]);
            pm_balance_end(&balance, index[i], true);
            ended++;
            index[i] = watch(&balance, i + 1, i % 3);
            counts[i] = 0;
            ups[i] = downs[i] = 0;
            for (u32 o = 0; o < OWNERS; o++)
                nets[i][o] = 0;
        }
        pm_balance_change(&balance, index[i], place(&balance, owner, PM_BALANCE_EXTENSION, stack, up), amount);
        counts[i] += up ? (i64)amount : -(i64)amount;
        *(up ? &ups[i] : &downs[i]) += amount;
        nets[i][owner] += up ? (i64)amount : -(i64)amount;
        changes += amount;
    }
    assert_int_equal(balance.changes, changes);
    assert_int_equal(balance.ended, ended);
    assert_int_equal(balance.live, OBJECTS);
    assert_int_equal(balance.lost_changes, 0);
    assert_true(balance.object_count <= OBJECTS + 1);
    u64 died = 0;
    for (u32 i = 0; i < balance.group_count; i++)
        died += balance.groups[i].died;
    assert_int_equal(died, ended);
    pm_balance_release(&balance);
}

/* A million events take no more memory than a thousand. Beyond the limit counts stay right. */
static void test_limit(void **state)
{
    enum { PLACES = 1000 };
    struct pm_balance balance;

    (void)state;
    pm_balance_init(&balance, 4096);
    const u32 object = watch(&balance, 1, 1);
    for (u32 i = 0; i < 1000000; i++)
        pm_balance_change(&balance, object, place(&balance, 1, PM_BALANCE_EXTENSION, 1, i % 2 == 0), 1);
    const u64 few = balance.tally_bytes;
    assert_true(few < 100);
    assert_int_equal(balance.lost_changes, 0);
    for (u32 i = 0; i < PLACES; i++)
        pm_balance_change(&balance, object, place(&balance, 1, PM_BALANCE_EXTENSION, i + 2, true), 1);
    assert_true(balance.tally_bytes <= 4096);
    assert_int_equal(balance.objects[object].count, PLACES);
    assert_true(balance.objects[object].lost_changes && balance.lost_changes > 0);
    pm_balance_end(&balance, object, true);
    assert_int_equal(balance.tally_bytes, 0);
    assert_int_equal(balance.groups[0].died, 0);        /* nothing is learned from half a story */
    pm_balance_release(&balance);
}

/* The owners of a small world, and the stacks at which they take and give. */
enum { EVALUATION = 1, DICT, KEEP, LOOK, STEPS, DEALLOC };

struct world {
    struct pm_balance balance;
    u64 next;
};

static enum pm_balance_role role(u32 owner)
{
    return owner == EVALUATION ? PM_BALANCE_INTERPRETER : owner == DICT ? PM_BALANCE_CONTAINER : PM_BALANCE_EXTENSION;
}

static void change(struct world *world, u32 object, u32 owner, i64 delta)
{
    pm_balance_change(&world->balance, object, place(&world->balance, owner, role(owner), owner * 10 + (delta > 0), delta > 0),
                      (u64)(delta > 0 ? delta : -delta));
}

static u32 born(struct world *world)
{
    const u32 object = watch(&world->balance, ++world->next, 1);

    change(world, object, EVALUATION, 1);
    return object;
}

static struct pm_balance_verdict judge(struct world *world, u32 object, u64 pointers, bool too_few)
{
    struct pm_balance_verdict verdict;
    struct pm_balance_case one;

    pm_balance_case_init(&one);
    one.too_few = too_few;
    pm_balance_case_add(&one, object, pointers);
    pm_balance_judge(&world->balance, &one, &verdict);
    pm_balance_case_release(&one);
    return verdict;
}

static u32 name_of(const struct world *world, const struct pm_balance_row *row)
{
    return world->balance.owners[row->owner].name.v;
}

static void test_taker_without_comparison(void **state)
{
    struct world world = { .next = 0 };

    (void)state;
    pm_balance_init(&world.balance, NO_LIMIT);
    const u32 object = born(&world);
    change(&world, object, DICT, 1);
    change(&world, object, EVALUATION, -1);
    change(&world, object, LOOK, 1);
    change(&world, object, LOOK, -1);
    change(&world, object, KEEP, 12);
    struct pm_balance_verdict verdict = judge(&world, object, 1, false);
    assert_int_equal(verdict.row_count, 1);
    assert_int_equal(name_of(&world, &verdict.rows[0]), KEEP);
    assert_int_equal(verdict.rows[0].references, 12);
    assert_int_equal(verdict.rows[0].leaked_with, 1);
    assert_int_equal(verdict.died, 0);
    assert_int_equal(verdict.explained_count, 1);
    assert_int_equal(name_of(&world, &verdict.explained[0]), DICT);
    assert_int_equal(verdict.balanced_places, 4);
    assert_int_equal(verdict.balanced_up, 2);
    assert_int_equal(verdict.balanced_down, 2);
    pm_balance_verdict_release(&verdict);
    pm_balance_release(&world.balance);
}

/* Python gives a function a reference, and it gives none back: it met the object at no place. Objects that died tell. */
static void test_missing_give(void **state)
{
    struct world world = { .next = 0 };

    (void)state;
    pm_balance_init(&world.balance, NO_LIMIT);
    for (int i = 0; i < 100; i++) {
        const u32 object = born(&world);
        change(&world, object, EVALUATION, 1);
        change(&world, object, LOOK, -1);
        change(&world, object, EVALUATION, -1);
        pm_balance_end(&world.balance, object, true);
    }
    const u32 object = born(&world);
    change(&world, object, EVALUATION, 1);
    change(&world, object, EVALUATION, -1);
    struct pm_balance_verdict verdict = judge(&world, object, 0, false);
    assert_int_equal(verdict.row_count, 1);
    assert_int_equal(name_of(&world, &verdict.rows[0]), LOOK);
    assert_true(verdict.rows[0].kept);
    assert_int_equal(world.balance.places[verdict.rows[0].usual.place].up, false);
    assert_int_equal(verdict.rows[0].died_with, 0);
    assert_int_equal(verdict.died, 100);
    pm_balance_verdict_release(&verdict);
    pm_balance_release(&world.balance);
}

/* What objects that died have too is not blamed: a function takes, and a deallocator gives back. */
static void test_pairs_are_learned(void **state)
{
    struct world world = { .next = 0 };

    (void)state;
    pm_balance_init(&world.balance, NO_LIMIT);
    for (int i = 0; i < 10; i++) {
        const u32 object = born(&world);
        change(&world, object, STEPS, 3);
        change(&world, object, DEALLOC, -3);
        change(&world, object, EVALUATION, -1);
        pm_balance_end(&world.balance, object, true);
    }
    const u32 object = born(&world);
    change(&world, object, STEPS, 3);
    change(&world, object, DEALLOC, -3);
    change(&world, object, KEEP, 1);
    change(&world, object, EVALUATION, -1);
    struct pm_balance_verdict verdict = judge(&world, object, 0, false);
    assert_int_equal(verdict.row_count, 1);
    assert_int_equal(name_of(&world, &verdict.rows[0]), KEEP);
    pm_balance_verdict_release(&verdict);
    pm_balance_release(&world.balance);
}

static void test_too_few(void **state)
{
    struct world world = { .next = 0 };

    (void)state;
    pm_balance_init(&world.balance, NO_LIMIT);
    const u32 object = born(&world);
    change(&world, object, DICT, 12);
    change(&world, object, EVALUATION, -1);
    change(&world, object, KEEP, -4);
    struct pm_balance_verdict verdict = judge(&world, object, 12, true);
    assert_int_equal(verdict.row_count, 1);
    assert_int_equal(name_of(&world, &verdict.rows[0]), KEEP);
    assert_int_equal(verdict.rows[0].references, 4);
    assert_int_equal(verdict.rows[0].lines[0].amount, 4);
    pm_balance_verdict_release(&verdict);
    pm_balance_release(&world.balance);
}

/* A reference goes from the evaluation to a function that keeps it: the count does not change. */
static void test_transfer(void **state)
{
    struct world world = { .next = 0 };

    (void)state;
    pm_balance_init(&world.balance, NO_LIMIT);
    const u32 object = born(&world);
    pm_balance_transfer(&world.balance, object, place(&world.balance, KEEP, role(KEEP), 71, true),
                        place(&world.balance, EVALUATION, role(EVALUATION), 72, false));
    assert_int_equal(world.balance.objects[object].count, 1);
    struct pm_balance_verdict verdict = judge(&world, object, 0, false);
    assert_int_equal(verdict.row_count, 1);
    assert_int_equal(name_of(&world, &verdict.rows[0]), KEEP);
    pm_balance_verdict_release(&verdict);
    pm_balance_release(&world.balance);
}

/* A place of an owner in a function at a line of Python. */
static void change_at(struct world *world, u32 object, u32 owner, u32 function, u32 line, i64 delta)
{
    const struct pm_balance_owner named = {
        .name = { owner }, .role = role(owner), .object = { role(owner) == PM_BALANCE_EXTENSION }, .shown = { function * 100 + line },
        .function = { function }, .python = { line }, .has_shown = true, .has_python = true,
    };
    const struct pm_stack_id stack = { owner * 10000 + function * 100 + line };
    u32 at = pm_balance_find_place(&world->balance, stack, PM_BALANCE_CHANGE, delta > 0);

    if (at == PM_BALANCE_NO_PLACE)
        at = pm_balance_add_place(&world->balance, stack, PM_BALANCE_CHANGE, delta > 0, &named);
    pm_balance_change(&world->balance, object, at, (u64)(delta > 0 ? delta : -delta));
}

/* KEEP takes a reference at one line, and LOOK at another, where DEALLOC gives it back for LOOK. Whichever comes first among
   the owners, KEEP is to blame. */
static void test_same_line_settles_first(void **state)
{
    (void)state;
    for (int order = 0; order < 2; order++) {
        struct world world = { .next = 0 };
        pm_balance_init(&world.balance, NO_LIMIT);
        const u32 object = born(&world);
        change(&world, object, EVALUATION, -1);
        change_at(&world, object, order == 0 ? KEEP : LOOK, 1, order == 0 ? 5 : 6, 3);
        change_at(&world, object, order == 0 ? LOOK : KEEP, 2, order == 0 ? 6 : 5, 3);
        change_at(&world, object, DEALLOC, 3, 6, -3);
        struct pm_balance_verdict verdict = judge(&world, object, 0, false);
        assert_int_equal(verdict.row_count, 1);
        assert_int_equal(name_of(&world, &verdict.rows[0]), KEEP);
        assert_int_equal(verdict.rows[0].references, 3);
        pm_balance_verdict_release(&verdict);
        pm_balance_release(&world.balance);
    }
}

/* Of an owner's places those come first that their function did not undo: not the largest amount. */
static void test_places_that_were_undone_come_last(void **state)
{
    enum { CALLS = 1, ALLOCATES, LINE = 7 };
    struct world world = { .next = 0 };

    (void)state;
    pm_balance_init(&world.balance, NO_LIMIT);
    const u32 object = born(&world);
    change(&world, object, EVALUATION, -1);
    change_at(&world, object, EVALUATION, CALLS, LINE, 20);
    change_at(&world, object, EVALUATION, ALLOCATES, LINE, 10);
    change_at(&world, object, EVALUATION, CALLS, LINE, -20);
    change_at(&world, object, EVALUATION, ALLOCATES, LINE + 1, -3);
    struct pm_balance_verdict verdict = judge(&world, object, 0, false);
    assert_int_equal(verdict.row_count, 1);
    assert_int_equal(verdict.rows[0].references, 7);
    assert_int_equal(verdict.rows[0].lines[0].amount, 10);
    assert_int_equal(verdict.rows[0].lines[0].surplus, 7);
    assert_int_equal(verdict.rows[0].lines[1].amount, 20);
    assert_int_equal(verdict.rows[0].lines[1].surplus, 0);
    pm_balance_verdict_release(&verdict);
    pm_balance_release(&world.balance);
}

static void test_unseen_changes(void **state)
{
    struct world world = { .next = 0 };

    (void)state;
    pm_balance_init(&world.balance, NO_LIMIT);
    const u32 object = born(&world);
    pm_balance_unseen(&world.balance, object, -3);
    pm_balance_unseen(&world.balance, object, 5);
    assert_int_equal(world.balance.objects[object].count, 3);
    assert_int_equal(world.balance.unseen_changes, 8);
    struct pm_balance_verdict verdict = judge(&world, object, 0, false);
    assert_int_equal(verdict.unseen, 2);
    pm_balance_verdict_release(&verdict);
    pm_balance_release(&world.balance);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_changes),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_taker_without_comparison),
        cmocka_unit_test(test_missing_give),
        cmocka_unit_test(test_pairs_are_learned),
        cmocka_unit_test(test_too_few),
        cmocka_unit_test(test_transfer),
        cmocka_unit_test(test_same_line_settles_first),
        cmocka_unit_test(test_places_that_were_undone_come_last),
        cmocka_unit_test(test_unseen_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
