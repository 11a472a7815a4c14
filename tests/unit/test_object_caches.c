/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interpreter's tables of borrowed pointers: on made-up memory by the numbers of every layout row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "cpython/pm_object_caches.h"
#include "pm_object_fixture.h"

enum { TABLE = 0x40000, TABLE_END = TABLE + 0x20000, FUNCTION_TYPE = 0x17800, FUNCTION = 0x28000,
       FUNCTION_BYTES = 0x100, ENTRY = 24 };

struct hidden {
    u64 first, last;
    u32 count;
};

static void note(void *context, u64 address)
{
    struct hidden *hidden = context;

    assert_true(address >= TABLE && address < TABLE_END && address % 8 == 0);
    assert_true(hidden->count == 0 || address > hidden->last);
    if (hidden->count++ == 0)
        hidden->first = address;
    hidden->last = address;
}

static struct hidden look(struct fixture *fixture)
{
    struct hidden hidden = { 0 };
    const struct pm_object_cache_visitor visitor = { note, &hidden };

    pm_objects_each_cache_word(&fixture->objects, TABLE, TABLE_END, &visitor);
    return hidden;
}

static void set_up_table(struct fixture *fixture, const struct pm_layout *layout)
{
    static const u8 zeros[TABLE_END - TABLE];

    set_up(fixture, layout);
    pm_image_put(&fixture->image, TABLE, zeros, sizeof zeros);
}

static void put_attribute(struct fixture *fixture, u32 entry, u64 version, u64 name, u64 value)
{
    const u64 address = TABLE + 0x100 + (u64)entry * ENTRY;

    pm_image_put_u64(&fixture->image, address, version);
    pm_image_put_u64(&fixture->image, address + 8, name);
    pm_image_put_u64(&fixture->image, address + 16, value);
}

/* Values of entries in use, and of empty ones between them, are hidden; names are not. */
static void attributes_of(const struct pm_layout *layout)
{
    struct fixture fixture;

    if (layout->strings != PM_STRING_UNICODE)
        return;
    set_up_table(&fixture, layout);
    for (u32 i = 0; i < 200; i += 2)
        put_attribute(&fixture, i, 1000 + i, TEXT, BLOCK);
    start(&fixture);
    struct hidden hidden = look(&fixture);
    assert_int_equal(hidden.count, 199);
    assert_int_equal(hidden.first, TABLE + 0x100 + 16);
    assert_int_equal(hidden.last, TABLE + 0x100 + 198 * ENTRY + 16);
    tear_down(&fixture);
}

/* A few such words by chance are no table, nor are entries whose name is no string, or
   whose version is an object's address. */
static void chance_of(const struct pm_layout *layout)
{
    struct fixture fixture;

    set_up_table(&fixture, layout);
    for (u32 i = 0; i < 8; i++)
        put_attribute(&fixture, i, 1000 + i, TEXT, BLOCK);
    for (u32 i = 300; i < 400; i++)
        put_attribute(&fixture, i, 1000 + i, NUMBER, BLOCK);
    for (u32 i = 500; i < 600; i++)
        put_attribute(&fixture, i, CLASS_TYPE, TEXT, BLOCK);
    start(&fixture);
    assert_int_equal(look(&fixture).count, 0);
    tear_down(&fixture);
}

static void put_functions(struct fixture *fixture, u32 count)
{
    put_type(fixture, FUNCTION_TYPE, "function", GC_FLAG, OBJECT_TYPE, 128, 0);
    for (u32 i = 0; i < count; i++) {
        const u64 function = FUNCTION + (u64)i * FUNCTION_BYTES;
        put_object(fixture, function, FUNCTION_TYPE, 2);
        pm_image_put_u64(&fixture->image, TABLE + 0x1000 + (u64)i * 40, function);
    }
}

static void functions_of(const struct pm_layout *layout)
{
    struct fixture fixture;

    set_up_table(&fixture, layout);
    put_functions(&fixture, 40);
    start(&fixture);
    assert_int_equal(look(&fixture).count, 40);
    tear_down(&fixture);
}

/* A variable that holds a function, in the middle of memory that is 0, is a reference. */
static void variable_of(const struct pm_layout *layout)
{
    struct fixture fixture;

    set_up_table(&fixture, layout);
    put_functions(&fixture, 2);
    start(&fixture);
    assert_int_equal(look(&fixture).count, 0);
    tear_down(&fixture);
}

static void test_attributes(void **state)
{
    (void)state;
    each_row(attributes_of);
}

static void test_chance(void **state)
{
    (void)state;
    each_row(chance_of);
}

static void test_functions(void **state)
{
    (void)state;
    each_row(functions_of);
}

static void test_variable(void **state)
{
    (void)state;
    each_row(variable_of);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_chance),
        cmocka_unit_test(test_functions),
        cmocka_unit_test(test_variable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
