/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strings of every layout row and kind, at the end of readable memory and damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "base/pm_buffer.h"
#include "cpython/pm_pystring.h"
#include "pm_image.h"

enum { OBJECT = 0x7000, ELSEWHERE = 0x20000 };

struct fixture {
    struct pm_image image;
    struct pm_buffer text;
    const struct pm_layout *layout;
};

static void set_up(struct fixture *fixture, const struct pm_layout *layout)
{
    pm_image_init(&fixture->image);
    pm_buffer_init(&fixture->text);
    pm_buffer_add_text(&fixture->text, ">");
    fixture->layout = layout;
}

static void tear_down(struct fixture *fixture)
{
    pm_buffer_release(&fixture->text);
    pm_image_release(&fixture->image);
}

static bool append(struct fixture *fixture)
{
    return pm_pystring_append(fixture->layout, &fixture->image.reader, OBJECT, &fixture->text);
}

static void expect(struct fixture *fixture, const char *text)
{
    assert_true(append(fixture));
    assert_int_equal(fixture->text.length, strlen(text) + 1);
    assert_string_equal(fixture->text.bytes + 1, text);
}

static void expect_refused(struct fixture *fixture)
{
    assert_false(append(fixture));
    assert_int_equal(fixture->text.length, 1);
    assert_string_equal(fixture->text.bytes, ">");
}

static u32 state_bits(const struct pm_layout *layout, u32 kind, bool compact, bool ascii)
{
    const struct pm_layout_numbers *at = &layout->at;
    u32 ready = at->unicode_ready_shift == PM_LAYOUT_ABSENT ? 0 : 1u << at->unicode_ready_shift;

    return ready | kind << at->unicode_kind_shift | (u32)compact << at->unicode_compact_shift
           | (u32)ascii << at->unicode_ascii_shift;
}

static void put_head(struct fixture *fixture, u64 length, u32 state)
{
    pm_image_put_u64(&fixture->image, OBJECT + fixture->layout->at.unicode_length, length);
    pm_image_put_u32(&fixture->image, OBJECT + fixture->layout->at.unicode_state, state);
}

/* A compact string that is not ASCII, or a legacy one with its characters elsewhere. */
static void put_wide(struct fixture *fixture, const void *characters, u64 count, u32 kind,
                     bool compact)
{
    const struct pm_layout_numbers *at = &fixture->layout->at;
    u64 data = compact ? (u64)OBJECT + at->unicode_compact_data : ELSEWHERE;

    put_head(fixture, count, state_bits(fixture->layout, kind, compact, false));
    if (!compact)
        pm_image_put_u64(&fixture->image, OBJECT + at->unicode_legacy_data, data);
    pm_image_put(&fixture->image, data, characters, count * kind);
}

/* Runs a test once for each row that has PEP 393 strings. */
static void for_unicode_rows(void (*test)(struct fixture *))
{
    const struct pm_layout *layout;
    unsigned rows = 0;

    for (size_t i = 0; (layout = pm_layout_row(i)) != NULL; i++) {
        struct fixture fixture;
        if (layout->strings != PM_STRING_UNICODE)
            continue;
        rows++;
        set_up(&fixture, layout);
        test(&fixture);
        tear_down(&fixture);
    }
    assert_true(rows > 0);
}

static void ascii(struct fixture *fixture)
{
    pm_image_put_text(&fixture->image, fixture->layout, OBJECT, "/usr/lib/python3/x.py");
    expect(fixture, "/usr/lib/python3/x.py");
}

static void empty(struct fixture *fixture)
{
    pm_image_put_text(&fixture->image, fixture->layout, OBJECT, "");
    expect(fixture, "");
}

static void latin_1(struct fixture *fixture)
{
    put_wide(fixture, "caf\xe9\xff", 5, 1, true);
    expect(fixture, "caf\xc3\xa9\xc3\xbf");
}

static void two_bytes(struct fixture *fixture)
{
    const u16 text[] = { 'a', 0x20ac, 0x7ff, 0x800, 0xdc80, 0xffff };

    put_wide(fixture, text, 6, 2, true);
    expect(fixture, "a\xe2\x82\xac\xdf\xbf\xe0\xa0\x80\xed\xb2\x80\xef\xbf\xbf");
}

static void four_bytes(struct fixture *fixture)
{
    const u32 text[] = { 0x1f600, 'z', 0x10ffff, 0xd800 };

    put_wide(fixture, text, 4, 4, true);
    expect(fixture, "\xf0\x9f\x98\x80z\xf4\x8f\xbf\xbf\xed\xa0\x80");
}

static void legacy(struct fixture *fixture)
{
    const u16 text[] = { 0x4e2d, '!' };

    put_wide(fixture, text, 2, 2, false);
    expect(fixture, "\xe4\xb8\xad!");
}

static void not_ready(struct fixture *fixture)
{
    i32 shift = fixture->layout->at.unicode_ready_shift;

    put_wide(fixture, "abc", 3, 1, true);
    if (shift == PM_LAYOUT_ABSENT) {
        expect(fixture, "abc");
        return;
    }
    put_head(fixture, 3, state_bits(fixture->layout, 1, true, false) & ~(1u << shift));
    expect_refused(fixture);
}

static void bad_kinds(struct fixture *fixture)
{
    for (u32 kind = 0; kind < 8; kind++) {
        put_wide(fixture, "abc", 0, kind, true);
        assert_int_equal(append(fixture), kind == 1 || kind == 2 || kind == 4);
    }
}

static void beyond_unicode(struct fixture *fixture)
{
    const u32 text[] = { 'a', 0x110000 };

    put_wide(fixture, text, 2, 4, true);
    expect_refused(fixture);
}

static void absurd_lengths(struct fixture *fixture)
{
    const u64 lengths[] = { UINT64_MAX, (u64)1 << 63, (u64)1 << 46 };

    for (size_t i = 0; i < PM_ARRAY_LENGTH(lengths); i++) {
        pm_image_put_text(&fixture->image, fixture->layout, OBJECT, "abc");
        put_head(fixture, lengths[i], state_bits(fixture->layout, 1, true, true));
        expect_refused(fixture);
    }
}

static void unreadable(struct fixture *fixture)
{
    expect_refused(fixture);
    /* The characters reach into an unmapped page. */
    pm_image_put_text(&fixture->image, fixture->layout, OBJECT, "abc");
    put_head(fixture, 4096, state_bits(fixture->layout, 1, true, true));
    expect_refused(fixture);
    put_wide(fixture, "abc", 3, 1, false);
    pm_image_unmap(&fixture->image, ELSEWHERE);
    expect_refused(fixture);
}

/* The output is cut at 4,096 bytes, between two characters. */
static void long_text(struct fixture *fixture)
{
    u16 text[5000];
    const u64 count = PM_ARRAY_LENGTH(text);

    for (size_t i = 0; i < count; i++)
        text[i] = 0x20ac;
    put_wide(fixture, text, count, 2, true);
    assert_true(append(fixture));
    assert_int_equal(fixture->text.length, 1 + PM_PYSTRING_MAX_BYTES / 3 * 3);
    assert_memory_equal(fixture->text.bytes + fixture->text.length - 3, "\xe2\x82\xac", 4);
}

#define UNICODE_TEST(name) \
    static void test_##name(void **state) \
    { \
        (void)state; \
        for_unicode_rows(name); \
    }

UNICODE_TEST(ascii)
UNICODE_TEST(empty)
UNICODE_TEST(latin_1)
UNICODE_TEST(two_bytes)
UNICODE_TEST(four_bytes)
UNICODE_TEST(legacy)
UNICODE_TEST(not_ready)
UNICODE_TEST(bad_kinds)
UNICODE_TEST(beyond_unicode)
UNICODE_TEST(absurd_lengths)
UNICODE_TEST(unreadable)
UNICODE_TEST(long_text)

static void test_byte_strings(void **state)
{
    const struct pm_layout *layout = pm_layout_find(0x020712f0, 0);
    struct fixture fixture;

    (void)state;
    assert_non_null(layout);
    set_up(&fixture, layout);
    expect_refused(&fixture);
    pm_image_put_text(&fixture.image, layout, OBJECT, "caf\xe9.py");
    expect(&fixture, "caf\xed\xb3\xa9.py");
    pm_buffer_clear(&fixture.text);
    pm_buffer_add_text(&fixture.text, ">");
    /* UTF-8; an encoded surrogate is none; a character that is cut short. */
    pm_image_put_text(&fixture.image, layout, OBJECT, "caf\xc3\xa9 \xf0\x9f\x90\x8d \xed\xb3\xa9 \xe2\x82");
    expect(&fixture, "caf\xc3\xa9 \xf0\x9f\x90\x8d \xed\xb3\xad\xed\xb2\xb3\xed\xb2\xa9 "
                     "\xed\xb3\xa2\xed\xb2\x82");
    pm_buffer_clear(&fixture.text);
    pm_buffer_add_text(&fixture.text, ">");
    pm_image_put_u64(&fixture.image, OBJECT + layout->at.bytes_length, (u64)-1);
    expect_refused(&fixture);
    tear_down(&fixture);
}

/* The output is cut at 4,096 bytes and never inside a character. */
static void test_long_byte_strings(void **state)
{
    static const struct {
        const char *unit, *last;
    } cases[] = { { "\xe2\x82\xac", "\xe2\x82\xac" }, { "\xe9", "\xed\xb3\xa9" } };
    const struct pm_layout *layout = pm_layout_find(0x020712f0, 0);

    (void)state;
    for (size_t i = 0; i < PM_ARRAY_LENGTH(cases); i++) {
        struct fixture fixture;
        struct pm_buffer text;

        set_up(&fixture, layout);
        pm_buffer_init(&text);
        while (text.length < 5000)
            pm_buffer_add_text(&text, cases[i].unit);
        pm_image_put_text(&fixture.image, layout, OBJECT, text.bytes);
        assert_true(append(&fixture));
        assert_int_equal(fixture.text.length, 1 + PM_PYSTRING_MAX_BYTES / 3 * 3);
        assert_memory_equal(fixture.text.bytes + fixture.text.length - 3, cases[i].last, 4);
        pm_buffer_release(&text);
        tear_down(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ascii),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_latin_1),
        cmocka_unit_test(test_two_bytes),
        cmocka_unit_test(test_four_bytes),
        cmocka_unit_test(test_legacy),
        cmocka_unit_test(test_not_ready),
        cmocka_unit_test(test_bad_kinds),
        cmocka_unit_test(test_beyond_unicode),
        cmocka_unit_test(test_absurd_lengths),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_long_text),
        cmocka_unit_test(test_byte_strings),
        cmocka_unit_test(test_long_byte_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
