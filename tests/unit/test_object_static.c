/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is no reference in static objects: on made-up memory by the numbers of every layout row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "cpython/pm_object_static.h"
#include "pm_object_fixture.h"

enum { IMMORTAL = 0xffffffff, DATA = 0x30000, DATA_END = 0x30400, MAX_RANGES = 16 };

struct ranges {
    u64 starts[MAX_RANGES], ends[MAX_RANGES];
    u32 count;
};

static void note(void *context, u64 start, u64 end)
{
    struct ranges *ranges = context;

    assert_true(ranges->count < MAX_RANGES && start < end && start % 8 == 0 && end % 8 == 0);
    assert_true(ranges->count == 0 || start >= ranges->ends[ranges->count - 1]);
    ranges->starts[ranges->count] = start;
    ranges->ends[ranges->count++] = end;
}

static struct ranges look(struct fixture *fixture)
{
    struct ranges ranges = { .count = 0 };
    const struct pm_object_static_visitor visitor = { note, &ranges };

    pm_objects_each_static(&fixture->objects, DATA, DATA_END, METATYPE, NAMES, &visitor);
    return ranges;
}

static bool holds(const struct ranges *ranges, u64 address)
{
    for (u32 i = 0; i < ranges->count; i++)
        if (address >= ranges->starts[i] && address < ranges->ends[i])
            return true;
    return false;
}

/* The count of a static object: immortal where that exists. */
static u64 static_count(const struct fixture *fixture)
{
    return fixture->at->object_refcount_bits == 32 ? IMMORTAL : 999999999;
}

static void clear(struct fixture *fixture)
{
    u8 zeros[DATA_END - DATA] = { 0 };
    pm_image_put(&fixture->image, DATA, zeros, sizeof zeros);
}

static void put_long(struct fixture *fixture, u64 address, u64 count, u64 digits)
{
    const struct pm_layout_numbers *at = fixture->at;
    const bool tagged = at->long_tag != PM_LAYOUT_ABSENT;

    put_object(fixture, address, LONG_TYPE, count);
    put(fixture, address, tagged ? at->long_tag : at->object_size, tagged ? digits << 3 : digits);
}

/* The digits are hidden, what follows is not. */
static void digits_of(const struct pm_layout *layout)
{
    struct fixture fixture;
    const u64 number = DATA + 0x40;

    set_up(&fixture, layout);
    clear(&fixture);
    put_long(&fixture, number, static_count(&fixture), 6);
    start(&fixture);
    struct ranges ranges = look(&fixture);
    assert_int_equal(ranges.count, 1);
    const u64 digits = number + (u64)layout->at.long_digits;
    assert_true(holds(&ranges, digits) && holds(&ranges, digits + 5 * 4));
    assert_false(holds(&ranges, ((digits + 6 * 4 + 7) & ~(u64)7)));
    assert_false(holds(&ranges, number + (u64)layout->at.object_type));
    tear_down(&fixture);
}

/* A pointer to a type that stands in no object hides nothing. */
static void pointers_of(const struct pm_layout *layout)
{
    struct fixture fixture;
    const u64 table = DATA + 0x40;

    set_up(&fixture, layout);
    clear(&fixture);
    put_long(&fixture, table, 0, 6);
    start(&fixture);
    assert_int_equal(look(&fixture).count, 0);
    /* Before it stands another pointer, into a heap that begins low. */
    put_long(&fixture, table, BLOCK, 6);
    assert_int_equal(look(&fixture).count, 0);
    /* It claims more digits than there is room. */
    put_long(&fixture, table, static_count(&fixture), 1000);
    assert_int_equal(look(&fixture).count, 0);
    tear_down(&fixture);
}

/* Of a type the flags are hidden, and nothing else. What only begins like a type has none. */
static void types_of(const struct pm_layout *layout)
{
    struct fixture fixture;

    set_up(&fixture, layout);
    clear(&fixture);
    put_type(&fixture, DATA, "Eggs", GC_FLAG, OBJECT_TYPE, 64, 0);
    start(&fixture);
    struct ranges ranges = look(&fixture);
    assert_int_equal(ranges.count, 1);
    assert_int_equal(ranges.starts[0], DATA + (u64)layout->at.type_flags);
    assert_int_equal(ranges.ends[0], ranges.starts[0] + 8);
    tear_down(&fixture);
    set_up(&fixture, layout);
    clear(&fixture);
    put_object(&fixture, DATA, METATYPE, BLOCK);
    start(&fixture);
    assert_int_equal(look(&fixture).count, 0);
    tear_down(&fixture);
}

/* Text: the characters; of a str whose characters are elsewhere nothing. */
static void texts_of(const struct pm_layout *layout)
{
    struct fixture fixture;
    const struct pm_layout_numbers *at = &layout->at;
    const u64 text = DATA + 0x80;

    if (layout->strings != PM_STRING_UNICODE)
        return;
    set_up(&fixture, layout);
    clear(&fixture);
    pm_image_put_text(&fixture.image, layout, text, "twenty-three characters");
    put_object(&fixture, text, TEXT_TYPE, static_count(&fixture));
    start(&fixture);
    struct ranges ranges = look(&fixture);
    assert_int_equal(ranges.count, 1);
    assert_true(holds(&ranges, (text + (u64)at->unicode_ascii_data) & ~(u64)7));
    assert_true(holds(&ranges, text + (u64)at->unicode_ascii_data + 23));
    assert_false(holds(&ranges, text + (u64)at->unicode_ascii_data + 32));
    pm_image_put_u32(&fixture.image, text + (u64)at->unicode_state, 0);
    assert_int_equal(look(&fixture).count, 0);
    tear_down(&fixture);
}

static void test_digits(void **state)
{
    (void)state;
    each_row(digits_of);
}

static void test_pointers(void **state)
{
    (void)state;
    each_row(pointers_of);
}

static void test_types(void **state)
{
    (void)state;
    each_row(types_of);
}

static void test_texts(void **state)
{
    (void)state;
    each_row(texts_of);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digits),
        cmocka_unit_test(test_pointers),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
