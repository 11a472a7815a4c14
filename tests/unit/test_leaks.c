/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each rule of the leak search on a heap made by hand. The tests state the expected
   results; the naive search must give the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "pm_leak_heap.h"

static void expect_clique(const struct field *field, u32 leader, u64 bytes, u64 blocks)
{
    assert_int_equal(pm_leaks_clique(&field->leaks, leader).bytes, bytes);
    assert_int_equal(pm_leaks_clique(&field->leaks, leader).blocks, blocks);
}

static void test_no_blocks(void **state)
{
    struct field *field = new_field();

    (void)state;
    hold(field, 0, HEAP);
    search(field);
    assert_int_equal(pm_leaks_block_at(&field->leaks, HEAP), PM_LEAK_NONE);
    assert_int_equal(field->leaks.scanned_bytes, 128);
    delete_field(field);
}

/* The nine cases of Memcheck's manual: BBB is 0 and 1 ..., in the order of their numbers. */
static void test_the_nine_cases(void **state)
{
    struct field *field = new_field();
    u64 inner[20];

    (void)state;
    add_row(field, 16);
    for (u32 i = 0; i < 16; i++)
        inner[i] = field->blocks[i].address + 8;
    hold(field, 0, field->blocks[0].address);                   /* 1: -> 0 */
    hold(field, 1, field->blocks[1].address);                   /* 2: -> 1 -> 2 */
    link_blocks(field, 1, 0, 2);
                                                                /* 3: 3 */
    link_blocks(field, 4, 0, 5);                                /* 4: 4 -> 5 */
    hold(field, 2, inner[6]);                                   /* 5: -?> 6 */
    hold(field, 3, field->blocks[7].address);                   /* 6: -> 7 -?> 8 */
    field_put(field, field->blocks[7].address, inner[8]);
    hold(field, 4, inner[9]);                                   /* 7: -?> 9 -> 10 */
    link_blocks(field, 9, 0, 10);
    hold(field, 5, inner[11]);                                  /* 8: -?> 11 -?> 12 */
    field_put(field, field->blocks[11].address, inner[12]);
    field_put(field, field->blocks[13].address, inner[14]);     /* 9: 13 -?> 14 */
    search(field);
    expect_kinds(field, "RRRDDIPRPPPPPDID");
    delete_field(field);
}

static void test_ends_and_sizes(void **state)
{
    struct field *field = new_field();

    (void)state;
    add(field, 0, 32);          /* a pointer one past the end */
    hold(field, 0, HEAP + 32);
    add(field, 64, 32);         /* one to the last byte */
    hold(field, 1, HEAP + 95);
    add(field, 128, 0);         /* no bytes: its address */
    hold(field, 2, HEAP + 128);
    add(field, 160, 0);         /* no bytes: one past its address */
    hold(field, 3, HEAP + 161);
    add(field, 192, 12);        /* only whole words hold pointers */
    hold(field, 4, HEAP + 192);
    add(field, 224, 32);
    field_put(field, HEAP + 200, HEAP + 224);
    search(field);
    expect_kinds(field, "DPRDRD");
    delete_field(field);
}

static void test_unaligned_pointer(void **state)
{
    struct field *field = new_field();

    (void)state;
    add_row(field, 1);
    hold(field, 0, HEAP << 32);
    hold(field, 1, HEAP >> 32);
    search(field);
    expect_kinds(field, "D");
    /* A root that starts at no multiple of 8 begins with the next word. */
    hold(field, 0, HEAP);
    field->roots[0].start = DATA + 1;
    field->roots[0].bytes = 127;
    search(field);
    expect_kinds(field, "D");
    delete_field(field);
}

static void test_registers(void **state)
{
    struct field *field = new_field();

    (void)state;
    add_row(field, 2);
    field->values[1] = HEAP;
    field->values[2] = HEAP + 64 + 8;
    field_add_values(field, 3);
    search(field);
    expect_kinds(field, "RP");
    assert_int_equal(pm_leak_from_block(&field->blocks[0]), PM_LEAK_NONE);
    assert_int_equal(pm_leak_from_root(&field->blocks[0]), 1);
    assert_int_equal(pm_leak_from_address(&field->leaks, &field->blocks[0]), 1);
    delete_field(field);
}

/* Blocks that are possibly lost at first become reachable, with all that they lead to. */
static void test_possible_then_definite(void **state)
{
    struct field *field = new_field();

    (void)state;
    add_row(field, 4);
    hold(field, 0, HEAP + 16);
    link_blocks(field, 0, 0, 1);
    hold(field, 1, HEAP + 64 * 2);
    link_blocks(field, 2, 0, 3);
    link_blocks(field, 3, 0, 0);
    search(field);
    expect_kinds(field, "RRRR");
    /* Root, 2, 3, 0, 1: the chain with the interior pointer does not count. */
    assert_int_equal(pm_leak_from_block(&field->blocks[0]), 3);
    assert_int_equal(pm_leak_from_block(&field->blocks[1]), 0);
    delete_field(field);
}

/* An interior pointer far from the root leads to 5, and so does a near chain of possibly lost blocks. */
static void test_shortest_possible_chain(void **state)
{
    struct field *field = new_field();

    (void)state;
    add_row(field, 6);
    hold(field, 0, HEAP);
    link_blocks(field, 0, 0, 1);
    link_blocks(field, 1, 0, 2);
    field_put(field, HEAP + 64 * 2, HEAP + 64 * 5 + 8);
    hold(field, 1, HEAP + 64 * 3 + 8);
    link_blocks(field, 3, 0, 4);
    link_blocks(field, 4, 0, 5);
    search(field);
    expect_kinds(field, "RRRPPP");
    assert_int_equal(pm_leak_from_block(&field->blocks[5]), 4);
    delete_field(field);
}

static void test_cliques(void **state)
{
    struct field *field = new_field();

    (void)state;
    add_row(field, 8);
    link_blocks(field, 1, 0, 0);            /* a later leader takes an earlier one with its clique */
    link_blocks(field, 0, 0, 2);
    link_blocks(field, 3, 0, 5);            /* the first of two leaders takes what both lead to */
    link_blocks(field, 4, 0, 5);
    field_put(field, HEAP + 64 * 6, HEAP + 64 * 7 + 16);        /* interior pointers lead as well */
    search(field);
    expect_kinds(field, "IDIDDIDI");
    expect_clique(field, 1, 64, 2);
    expect_clique(field, 0, 0, 0);
    expect_clique(field, 3, 32, 1);
    expect_clique(field, 4, 0, 0);
    expect_clique(field, 6, 32, 1);
    assert_int_equal(field->blocks[2].leader, 1);
    delete_field(field);
}

static void test_long_chain_backwards(void **state)
{
    struct field *field = new_field();

    (void)state;
    add_row(field, FIELD_BLOCKS);
    for (u32 i = 1; i < FIELD_BLOCKS; i++)
        link_blocks(field, i, 0, i - 1);
    search(field);
    for (u32 i = 0; i < FIELD_BLOCKS; i++)
        assert_int_equal(field->blocks[i].leader, FIELD_BLOCKS - 1);
    expect_clique(field, FIELD_BLOCKS - 1, 32 * (FIELD_BLOCKS - 1), FIELD_BLOCKS - 1);
    delete_field(field);
}

static void test_cycles(void **state)
{
    struct field *field = new_field();

    (void)state;
    add_row(field, 8);
    link_blocks(field, 0, 0, 1);            /* a cycle of two that keeps a third */
    link_blocks(field, 1, 0, 0);
    link_blocks(field, 1, 1, 2);
    link_blocks(field, 3, 0, 3);            /* one that points to itself */
    link_blocks(field, 4, 0, 5);            /* a cycle by an interior pointer is none */
    field_put(field, HEAP + 64 * 5, HEAP + 64 * 4 + 8);
    link_blocks(field, 7, 0, 6);            /* a chain */
    search(field);
    expect_kinds(field, "DIIDDIID");
    for (u32 i = 0; i < 8; i++)
        assert_int_equal(field->blocks[i].cycle, i == 0 || i == 1 || i == 3);
    assert_int_equal(pm_leaks_clique(&field->leaks, 0).cycle_blocks, 2);
    assert_int_equal(pm_leaks_clique(&field->leaks, 3).cycle_blocks, 1);
    assert_int_equal(pm_leaks_clique(&field->leaks, 4).cycle_blocks, 0);
    delete_field(field);
}

/* 2 holds the cycle of 0 and 1, by 1: Memcheck finds two leaders. */
static void test_a_lost_block_holds_a_cycle(void **state)
{
    struct field *field = new_field();

    (void)state;
    add_row(field, 3);
    link_blocks(field, 0, 0, 1);
    link_blocks(field, 1, 0, 0);
    link_blocks(field, 2, 0, 1);
    search(field);
    expect_kinds(field, "DID");
    field->leaks.merge_cliques = true;
    search(field);
    expect_kinds(field, "IID");
    expect_clique(field, 2, 64, 2);
    assert_int_equal(pm_leaks_clique(&field->leaks, 2).cycle_blocks, 0);
    delete_field(field);
}

static void test_objects(void **state)
{
    struct field *field = new_field();

    (void)state;
    add_row(field, 4);
    field->blocks[0].object_offset = 16;    /* behind a header: both starts count */
    field->blocks[1].object_offset = 16;
    field->blocks[2].object_offset = 16;    /* hidden header: only the object does */
    field->blocks[2].flags = PM_LEAK_OBJECT | PM_LEAK_HEADER_HIDDEN;
    field->blocks[3].object_offset = 16;
    field->blocks[3].flags = PM_LEAK_OBJECT | PM_LEAK_HEADER_HIDDEN;
    hold(field, 0, HEAP + 16);
    hold(field, 1, HEAP + 64);
    hold(field, 2, HEAP + 128);
    hold(field, 3, HEAP + 128 + 8);
    hold(field, 4, HEAP + 192 + 16);
    hold(field, 5, HEAP + 192 + 16);
    field_put(field, HEAP + 128, HEAP + 192 + 16);      /* of a lost block, in its own header */
    field_put(field, HEAP + 136, HEAP + 192 + 8);
    field_put(field, HEAP + 144, HEAP + 128 + 16);      /* to itself */
    search(field);
    expect_kinds(field, "RRDR");
    assert_int_equal(field->blocks[0].references, 0);   /* not flagged as an object */
    assert_int_equal(field->blocks[2].references, 1);
    assert_int_equal(field->blocks[3].references, 3);
    delete_field(field);
}

static void test_hidden_words(void **state)
{
    struct field *field = new_field();

    (void)state;
    add_row(field, 6);
    hold(field, 0, HEAP);
    for (u32 i = 0; i < 4; i++)
        link_blocks(field, 0, i, 1 + i);
    field->blocks[0].hidden_first = 1;
    field->blocks[0].hidden_end = 3;
    hold(field, 1, HEAP + 64);
    link_blocks(field, 1, 0, 5);
    field->blocks[1].flags = PM_LEAK_OPAQUE;
    search(field);
    expect_kinds(field, "RRDDRD");
    delete_field(field);
}

/* Interior pointers to some blocks do not count. */
static void test_start_only(void **state)
{
    struct field *field = new_field();

    (void)state;
    add_row(field, 3);
    hold(field, 0, field->blocks[0].address + 8);
    hold(field, 1, field->blocks[1].address + 8);
    hold(field, 2, field->blocks[2].address);
    field->blocks[1].flags = field->blocks[2].flags = PM_LEAK_START_ONLY;
    search(field);
    expect_kinds(field, "PDR");
    delete_field(field);
}

/* Pointers of a foreign root into the middle of objects do not count; its other pointers do. */
static void test_foreign_root(void **state)
{
    for (int foreign = 0; foreign < 2; foreign++) {
        struct field *field = new_field();

        (void)state;
        add_row(field, 5);
        hold(field, 0, field->blocks[0].address + 16);
        hold(field, 1, field->blocks[1].address + 8);
        hold(field, 2, field->blocks[2].address + 16);
        link_blocks(field, 1, 0, 3);
        field_put(field, field->blocks[1].address + 8, field->blocks[4].address + 16);
        field->blocks[0].flags = field->blocks[1].flags = field->blocks[4].flags = PM_LEAK_OBJECT;
        for (u32 i = 0; i < 5; i++)
            field->blocks[i].object_offset = field->blocks[i].flags ? 8 : 0;
        field->roots[0].foreign = foreign != 0;
        search(field);
        expect_kinds(field, foreign ? "DRPRP" : "PRPRP");
        delete_field(field);
    }
}

/* Weak words hold nothing, are not counted, and make no cycle. */
static void test_weak_words(void **state)
{
    struct field *field = new_field();
    u32 weak = 0;

    (void)state;
    add_row(field, 4);
    while (!field_is_weak(field, 0, field->blocks[0].address + weak * 8))
        weak++;
    hold(field, 0, HEAP);
    link_blocks(field, 0, weak, 1);
    link_blocks(field, 0, weak + 1, 2);
    field->blocks[1].flags = field->blocks[2].flags = PM_LEAK_OBJECT;
    search(field);
    expect_kinds(field, "RRRD");
    assert_int_equal(field->blocks[1].references, 1);
    field->blocks[0].flags = PM_LEAK_WEAK_WORDS;
    search(field);
    expect_kinds(field, "RDRD");
    assert_int_equal(field->blocks[1].references, 0);
    assert_int_equal(field->blocks[2].references, 1);
    delete_field(field);
}

static void test_tag_bits(void **state)
{
    struct field *field = new_field();

    (void)state;
    add_row(field, 3);
    for (u32 i = 0; i < 3; i++)
        hold(field, i, field->blocks[i].address + 1 + i);
    field->blocks[0].flags = field->blocks[2].flags = PM_LEAK_OBJECT;
    search(field);
    expect_kinds(field, "PPP");
    field->leaks.tag_bits = 1;
    search(field);
    expect_kinds(field, "RPP");             /* 1 is no object, 2 has another tag */
    assert_int_equal(field->blocks[0].references, 1);
    field->leaks.tag_bits = 3;
    search(field);
    expect_kinds(field, "RPR");
    delete_field(field);
}

static void test_heuristics(void **state)
{
    static const struct {
        u32 heuristic;
        u64 words[4], bytes, pointer;
    } cases[] = {
        { PM_LEAK_STDSTRING, { 3, 7, 1, 0 }, 32, 24 },
        { PM_LEAK_STDSTRING, { 7, 7, 1, 0 }, 32, 24 },
        { PM_LEAK_LENGTH64, { 24, 0, 0, 0 }, 32, 8 },
        { PM_LEAK_NEWARRAY, { 3, 0, 0, 0 }, 32, 8 },
        { PM_LEAK_MULTIPLE_INHERITANCE, { 0x700010, 0, 0x700088, 0 }, 32, 16 },
        /* Almost right. */
        { 0, { 8, 7, 1, 0 }, 32, 24 },                  /* longer than its capacity */
        { 0, { 3, 6, 1, 0 }, 32, 24 },
        { 0, { 3, 7, 1, 0 }, 32, 16 },
        { 0, { 24, 0, 0, 0 }, 32, 16 },
        { 0, { 5, 0, 0, 0 }, 32, 8 },
        { 0, { 0, 0, 0, 0 }, 32, 8 },
        { 0, { 0x700010, 0, 0x700090, 0 }, 32, 16 },
        { 0, { 0x700018, 0, 0x700088, 0 }, 32, 16 },
        { 0, { 0x700010, 0, 0x70008800, 0 }, 32, 17 },
    };

    (void)state;
    for (size_t i = 0; i < PM_ARRAY_LENGTH(cases); i++) {
        for (u32 given = 0; given < 16; given++) {
            struct field *field = new_field();
            u32 found = cases[i].heuristic & given;
            add(field, 0, cases[i].bytes);
            for (u32 k = 0; k < 4; k++)
                field_put(field, HEAP + 8 * k, cases[i].words[k]);
            hold(field, 0, HEAP + cases[i].pointer);
            field->leaks.heuristics = given;
            /* A length is a plausible count as well. */
            if (cases[i].heuristic == PM_LEAK_LENGTH64 && found == 0)
                found = given & PM_LEAK_NEWARRAY;
            search(field);
            assert_int_equal(field->blocks[0].heuristic, found);
            expect_kinds(field, found != 0 ? "R" : "P");
            hold(field, 1, HEAP);
            search(field);
            assert_int_equal(field->blocks[0].heuristic, 0);
            expect_kinds(field, "R");
            delete_field(field);
        }
    }
}

static void test_unreadable_page(void **state)
{
    struct field *field = new_field();

    (void)state;
    add(field, 0, 3 * FIELD_PAGE);
    for (u32 i = 0; i < 3; i++)
        add(field, 4 * FIELD_PAGE + 64 * i, 32);
    hold(field, 0, HEAP);
    for (u32 i = 0; i < 3; i++)
        field_put(field, HEAP + i * FIELD_PAGE, field->blocks[1 + i].address);
    field_forbid(field, HEAP + FIELD_PAGE);
    search(field);
    expect_kinds(field, "RRDR");
    assert_int_equal(field->leaks.unreadable_bytes, FIELD_PAGE);
    delete_field(field);
}

/* One pointer in each word of a page: more than a batch takes. */
static void test_more_than_a_batch(void **state)
{
    struct field *field = new_field();
    const u32 words = 3 * FIELD_PAGE / 8;

    (void)state;
    add(field, 0, 3 * FIELD_PAGE);
    add(field, 4 * FIELD_PAGE, 32);
    field->blocks[1].flags = PM_LEAK_OBJECT;
    hold(field, 0, HEAP);
    for (u32 i = 0; i < words; i++)
        field_put(field, HEAP + 8 * i, HEAP + 4 * FIELD_PAGE);
    search(field);
    assert_int_equal(field->blocks[1].references, words);
    assert_int_equal(pm_leak_from_address(&field->leaks, &field->blocks[1]), HEAP);
    delete_field(field);
}

/* Many more blocks in a page than a list of the index can count. */
static void test_tiny_blocks(void **state)
{
    struct field *field = new_field();
    enum { TINY = 1500 };
    struct pm_leak_block *blocks = calloc(TINY, sizeof *blocks);
    u64 *values = calloc(TINY, sizeof *values);

    (void)state;
    field_at(field, HEAP, true);
    for (u32 i = 0; i < TINY; i++) {
        blocks[i] = (struct pm_leak_block){ .address = HEAP + 2 * i, .bytes = i % 3 };
        values[i] = blocks[i].address + (i % 7 == 0);
    }
    field->roots[0] = (struct pm_leak_root){ PM_LEAK_ROOT_REGISTERS, 1, values, 0, TINY * 8, false };
    field->leaks.blocks = blocks;
    field->leaks.block_count = TINY;
    pm_leaks_search(&field->leaks);
    for (u32 i = 0; i < TINY; i++) {
        u8 inside = i % 3 == 2 ? PM_LEAK_POSSIBLE : PM_LEAK_DEFINITE;
        assert_int_equal(blocks[i].kind, i % 7 != 0 ? PM_LEAK_REACHABLE : inside);
        assert_int_equal(pm_leaks_block_at(&field->leaks, blocks[i].address), i);
    }
    free(values);
    free(blocks);
    delete_field(field);
}

static void count_progress(void *context, u64 done, u64 all)
{
    u64 *calls = context;

    assert_true(done <= all && done > calls[1]);
    calls[0]++;
    calls[1] = done;
}

static void test_progress(void **state)
{
    struct field *field = new_field();
    u64 calls[2] = { 0, 0 }, bytes = (u64)40 << 20;
    u64 *values = calloc(1, bytes);

    (void)state;
    field->roots[0] = (struct pm_leak_root){ PM_LEAK_ROOT_REGISTERS, 1, values, 0, bytes, false };
    field->leaks.progress = count_progress;
    field->leaks.context = calls;
    pm_leaks_search(&field->leaks);
    assert_int_equal(calls[0], 1);
    field->roots[0] = (struct pm_leak_root){ PM_LEAK_ROOT_REGISTERS, 1, values, 0, 1024, false };
    pm_leaks_search(&field->leaks);
    assert_int_equal(calls[0], 1);
    free(values);
    delete_field(field);
}

static void sum_missed(void *context, u64 value)
{
    *(u64 *)context += value - HEAP + 0x10000;
}

static void test_missed(void **state)
{
    struct field *field = new_field();
    u64 sum = 0;

    (void)state;
    add_row(field, 3);
    hold(field, 0, HEAP);
    hold(field, 1, HEAP + 48);          /* between blocks */
    hold(field, 2, HEAP + 4096);        /* behind all, in another page */
    hold(field, 3, HEAP - 8);           /* before all, in another page */
    hold(field, 4, HEAP + 0x2000);      /* outside of what is asked for */
    hold(field, 5, HEAP - 0x2000);
    field->leaks.missed = sum_missed;
    field->leaks.context = &sum;
    pm_leaks_search(&field->leaks);
    assert_int_equal(sum, 0x10000 + 48);
    sum = 0;
    field->leaks.missed_from = HEAP - 0x1000;
    field->leaks.missed_to = HEAP + 0x2000;
    pm_leaks_search(&field->leaks);
    assert_int_equal(sum, 3 * 0x10000 + 48 + 4096 - 8);
    expect_kinds(field, "RDD");
    delete_field(field);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_blocks), cmocka_unit_test(test_missed),
        cmocka_unit_test(test_the_nine_cases),
        cmocka_unit_test(test_ends_and_sizes),
        cmocka_unit_test(test_unaligned_pointer),
        cmocka_unit_test(test_registers),
        cmocka_unit_test(test_possible_then_definite),
        cmocka_unit_test(test_shortest_possible_chain),
        cmocka_unit_test(test_cliques),
        cmocka_unit_test(test_long_chain_backwards),
        cmocka_unit_test(test_cycles),
        cmocka_unit_test(test_a_lost_block_holds_a_cycle),
        cmocka_unit_test(test_objects),
        cmocka_unit_test(test_hidden_words),
        cmocka_unit_test(test_start_only), cmocka_unit_test(test_foreign_root),
        cmocka_unit_test(test_weak_words),
        cmocka_unit_test(test_tag_bits),
        cmocka_unit_test(test_heuristics),
        cmocka_unit_test(test_unreadable_page),
        cmocka_unit_test(test_more_than_a_batch),
        cmocka_unit_test(test_tiny_blocks),
        cmocka_unit_test(test_progress),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
