/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Line decoders on handmade and damaged tables. tests/oracle/test_linetable.py compares real tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cpython/pm_linetable.h"

#define LINE(kind, table, first, offset) \
    pm_linetable_line((kind), (table), sizeof(table), (first), (offset))

static const enum pm_linetable_kind kinds[] = {
    PM_LINETABLE_UNSIGNED, PM_LINETABLE_SIGNED, PM_LINETABLE_RANGES, PM_LINETABLE_LOCATIONS,
};

static void test_negative_offset_is_first_line(void **state)
{
    const u8 table[] = { 0, 5, 2, 5 };

    (void)state;
    for (size_t i = 0; i < PM_ARRAY_LENGTH(kinds); i++) {
        assert_int_equal(LINE(kinds[i], table, 7, -1), 7);
        assert_int_equal(LINE(kinds[i], table, 7, INT64_MIN), 7);
        assert_int_equal(pm_linetable_line(kinds[i], NULL, 0, 7, -2), 7);
        assert_int_equal(pm_linetable_line(kinds[i], NULL, 0, -7, -2), PM_LINE_BROKEN);
    }
}

static void test_empty_table(void **state)
{
    (void)state;
    assert_int_equal(pm_linetable_line(PM_LINETABLE_UNSIGNED, NULL, 0, 7, 0), 7);
    assert_int_equal(pm_linetable_line(PM_LINETABLE_SIGNED, NULL, 0, 7, 100), 7);
    assert_int_equal(pm_linetable_line(PM_LINETABLE_RANGES, NULL, 0, 7, 0), PM_LINE_BROKEN);
    assert_int_equal(pm_linetable_line(PM_LINETABLE_LOCATIONS, NULL, 0, 7, 0), PM_LINE_BROKEN);
}

/* As the example of Objects/lnotab_notes.txt: lines begin at 0, 6, 50, 350 and 361. */
static void test_unsigned(void **state)
{
    const u8 table[] = { 0, 1, 6, 1, 44, 5, 255, 0, 45, 255, 0, 45, 11, 1 };
    const struct { i64 offset; i32 line; } expected[] = {
        { 0, 2 }, { 5, 2 }, { 6, 3 }, { 49, 3 }, { 50, 8 }, { 349, 8 }, { 350, 308 },
        { 360, 308 }, { 361, 309 }, { 100000, 309 },
    };

    (void)state;
    for (size_t i = 0; i < PM_ARRAY_LENGTH(expected); i++)
        assert_int_equal(LINE(PM_LINETABLE_UNSIGNED, table, 1, expected[i].offset),
                         expected[i].line);
}

static void test_sign_of_line_deltas(void **state)
{
    const u8 table[] = { 2, 127, 2, 128, 2, 255, 200, 1 };

    (void)state;
    assert_int_equal(LINE(PM_LINETABLE_SIGNED, table, 10, 1), 10);
    assert_int_equal(LINE(PM_LINETABLE_SIGNED, table, 10, 2), 137);
    assert_int_equal(LINE(PM_LINETABLE_SIGNED, table, 10, 4), 9);
    assert_int_equal(LINE(PM_LINETABLE_SIGNED, table, 10, 6), 8);
    /* A code delta of 128 or more is never negative. */
    assert_int_equal(LINE(PM_LINETABLE_SIGNED, table, 10, 205), 8);
    assert_int_equal(LINE(PM_LINETABLE_SIGNED, table, 10, 206), 9);
    assert_int_equal(LINE(PM_LINETABLE_UNSIGNED, table, 10, 6), 10 + 127 + 128 + 255);
}

static void test_odd_byte_is_ignored(void **state)
{
    const u8 table[] = { 2, 3, 4 };

    (void)state;
    assert_int_equal(LINE(PM_LINETABLE_SIGNED, table, 1, 50), 4);
    assert_int_equal(LINE(PM_LINETABLE_UNSIGNED, table, 1, 50), 4);
    assert_int_equal(LINE(PM_LINETABLE_RANGES, table, 1, 1), 4);
    assert_int_equal(LINE(PM_LINETABLE_RANGES, table, 1, 2), PM_LINE_BROKEN);
}

static void test_line_below_zero_is_broken(void **state)
{
    const u8 table[] = { 0, 0x81 };

    (void)state;
    assert_int_equal(LINE(PM_LINETABLE_SIGNED, table, 127, 0), 0);
    assert_int_equal(LINE(PM_LINETABLE_SIGNED, table, 126, 0), PM_LINE_BROKEN);
}

/* PEP 626's example, and a range without a line in between. */
static void test_ranges(void **state)
{
    const u8 table[] = { 4, 1, 6, 0x80, 8, 0xff, 0, 100, 0, 100, 254, 50, 2, 0 };

    (void)state;
    assert_int_equal(LINE(PM_LINETABLE_RANGES, table, 1, 0), 2);
    assert_int_equal(LINE(PM_LINETABLE_RANGES, table, 1, 3), 2);
    assert_int_equal(LINE(PM_LINETABLE_RANGES, table, 1, 4), PM_LINE_NONE);
    assert_int_equal(LINE(PM_LINETABLE_RANGES, table, 1, 9), PM_LINE_NONE);
    assert_int_equal(LINE(PM_LINETABLE_RANGES, table, 1, 10), 1);
    assert_int_equal(LINE(PM_LINETABLE_RANGES, table, 1, 18), 251);
    assert_int_equal(LINE(PM_LINETABLE_RANGES, table, 1, 273), 251);
    assert_int_equal(LINE(PM_LINETABLE_RANGES, table, 1, 274), PM_LINE_BROKEN);
}

#define HEAD(form, units) (0x80 | (form) << 3 | ((units) - 1))

static void test_locations(void **state)
{
    const u8 table[] = {
        HEAD(0, 1), 0x12,                       /* 0: short, same line */
        HEAD(9, 8), 0x7f,                       /* 2 to 17: short */
        HEAD(10, 1), 1, 2,                      /* 18: one line, +0 */
        HEAD(11, 1), 1, 2,                      /* 20: +1 */
        HEAD(12, 2), 1, 2,                      /* 22 to 25: +2 */
        HEAD(13, 1), 0x06,                      /* 26: no column, +3 */
        HEAD(13, 1), 0x07,                      /* 28: -3 */
        HEAD(14, 1), 0x68, 0x0f, 1, 2, 3,       /* 30: long, +500 */
        HEAD(15, 1),                            /* 32: none */
        HEAD(13, 1), 0x69, 0x0f,                /* 34: -500 */
    };
    const i32 expected[] = {
        10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 11, 13, 13, 16, 13, 513, PM_LINE_NONE, 13,
        PM_LINE_BROKEN,
    };

    (void)state;
    for (size_t i = 0; i < PM_ARRAY_LENGTH(expected); i++) {
        assert_int_equal(LINE(PM_LINETABLE_LOCATIONS, table, 10, (i64)i * 2), expected[i]);
        assert_int_equal(LINE(PM_LINETABLE_LOCATIONS, table, 10, (i64)i * 2 + 1), expected[i]);
    }
}

static void test_damaged_locations(void **state)
{
    const u8 no_head[] = { 0x12, HEAD(0, 1), 0 };
    const u8 cut_number[] = { HEAD(13, 1), 0x40 };
    const u8 head_in_number[] = { HEAD(13, 1), 0x40, HEAD(13, 1), 0 };
    const u8 long_number[] = { HEAD(13, 1), 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0 };
    const u8 no_number[] = { HEAD(14, 1) };

    (void)state;
    assert_int_equal(LINE(PM_LINETABLE_LOCATIONS, no_head, 1, 0), PM_LINE_BROKEN);
    assert_int_equal(LINE(PM_LINETABLE_LOCATIONS, cut_number, 1, 0), PM_LINE_BROKEN);
    assert_int_equal(LINE(PM_LINETABLE_LOCATIONS, head_in_number, 1, 0), PM_LINE_BROKEN);
    assert_int_equal(LINE(PM_LINETABLE_LOCATIONS, long_number, 1, 0), PM_LINE_BROKEN);
    assert_int_equal(LINE(PM_LINETABLE_LOCATIONS, no_number, 1, 0), PM_LINE_BROKEN);
}

static void test_largest_values(void **state)
{
    /* 0x7ffffffe and -0x7fffffff, as signed varints. */
    const u8 up[] = { HEAD(13, 8), 0x7c, 0x7f, 0x7f, 0x7f, 0x7f, 0x03 };
    const u8 up_twice[] = { HEAD(13, 8), 0x7c, 0x7f, 0x7f, 0x7f, 0x7f, 0x03,
                            HEAD(13, 8), 0x7c, 0x7f, 0x7f, 0x7f, 0x7f, 0x03 };
    const u8 widest[] = { HEAD(13, 8), 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x3f };
    const u8 step[] = { 1, 1 };

    (void)state;
    assert_int_equal(LINE(PM_LINETABLE_LOCATIONS, up, 1, 15), INT32_MAX);
    assert_int_equal(LINE(PM_LINETABLE_LOCATIONS, up, 2, 15), PM_LINE_BROKEN);
    assert_int_equal(LINE(PM_LINETABLE_LOCATIONS, up, 1, 16), PM_LINE_BROKEN);
    assert_int_equal(LINE(PM_LINETABLE_LOCATIONS, up_twice, 1, 31), PM_LINE_BROKEN);
    assert_int_equal(LINE(PM_LINETABLE_LOCATIONS, widest, 1, 0), PM_LINE_BROKEN);
    assert_int_equal(LINE(PM_LINETABLE_LOCATIONS, widest, INT32_MIN, 0), PM_LINE_BROKEN);
    assert_int_equal(LINE(PM_LINETABLE_SIGNED, step, INT32_MAX, 1), PM_LINE_BROKEN);
    assert_int_equal(LINE(PM_LINETABLE_RANGES, step, INT32_MAX, 0), PM_LINE_BROKEN);
    assert_int_equal(LINE(PM_LINETABLE_UNSIGNED, step, INT32_MAX, INT64_MAX), PM_LINE_BROKEN);
    assert_int_equal(LINE(PM_LINETABLE_RANGES, step, 1, INT64_MAX), PM_LINE_BROKEN);
    assert_int_equal(LINE(PM_LINETABLE_LOCATIONS, up, 1, INT64_MAX), PM_LINE_BROKEN);
}

/* Any answer must be a line or one of the two values for none; the sanitizers check the reads. */
static void test_random_tables(void **state)
{
    (void)state;
    srand(1);
    for (int round = 0; round < 200000; round++) {
        size_t length = (size_t)rand() % 24;
        u8 *table = malloc(length > 0 ? length : 1);    /* exact: a read past it is seen */

        for (size_t i = 0; i < length; i++)
            table[i] = (u8)(rand() >> 7);
        for (size_t i = 0; i < PM_ARRAY_LENGTH(kinds); i++)
            assert_true(pm_linetable_line(kinds[i], table, length, rand() - RAND_MAX / 2,
                                          rand() % 64 - 4) >= PM_LINE_BROKEN);
        free(table);
    }
}

/* Look-ups in one table with a cursor, forward and back. */
static void test_seek(void **state)
{
    (void)state;
    srand(2);
    for (int round = 0; round < 20000; round++) {
        u8 table[64];
        enum pm_linetable_kind kind = kinds[(size_t)rand() % PM_ARRAY_LENGTH(kinds)];
        i32 first_line = rand() % 100;
        struct pm_linetable_cursor cursor = { .line = first_line };

        for (size_t i = 0; i < sizeof table; i++)
            table[i] = (u8)(rand() >> 7) & (kind == PM_LINETABLE_LOCATIONS ? 0xff : 0x0f);
        for (size_t i = 0; kind == PM_LINETABLE_LOCATIONS && i < sizeof table; i++)
            table[i] = (u8)HEAD((unsigned)rand() % 3 + 10, (unsigned)rand() % 8 + 1);
        for (int look = 0; look < 40; look++) {
            i64 offset = rand() % 1200 - 2;
            assert_int_equal(pm_linetable_seek(kind, table, sizeof table, first_line, offset,
                                               &cursor),
                             pm_linetable_line(kind, table, sizeof table, first_line, offset));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_negative_offset_is_first_line),
        cmocka_unit_test(test_empty_table),
        cmocka_unit_test(test_unsigned),
        cmocka_unit_test(test_sign_of_line_deltas),
        cmocka_unit_test(test_odd_byte_is_ignored),
        cmocka_unit_test(test_line_below_zero_is_broken),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_locations),
        cmocka_unit_test(test_damaged_locations),
        cmocka_unit_test(test_largest_values),
        cmocka_unit_test(test_random_tables),
        cmocka_unit_test(test_seek),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
