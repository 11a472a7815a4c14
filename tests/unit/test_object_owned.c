/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which words of an object own what they point to: on made-up memory by the numbers of every layout row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "cpython/pm_object_owned.h"
#include "pm_object_fixture.h"

enum { DICT_TYPE = 0x1a000, SET_TYPE = 0x1b000, CELL_TYPE = 0x1c000, FUNCTION_TYPE = 0x1d000,
       SUBCLASS_TYPE = 0x1e000, NONE_TYPE = 0x1f000, OBJECT = 0x30000, TABLE = 0x31000, NONE = 0x32000,
       FUNCTION_BYTES = 0x80, WEAK_LIST = 0x50 };

struct owned {
    struct pm_object_owned ranges[PM_OBJECT_OWNED_MAX];
    u32 count;
};

static struct owned owned_of(struct fixture *fixture, const struct pm_object *object)
{
    struct owned owned;

    owned.count = pm_objects_owned_words(&fixture->objects, object, owned.ranges);
    assert_true(owned.count <= PM_OBJECT_OWNED_MAX);
    return owned;
}

static struct owned owned_at(struct fixture *fixture, u64 address)
{
    struct pm_object object;

    assert_true(pm_objects_at(&fixture->objects, address, &object));
    return owned_of(fixture, &object);
}

static u32 words_in(const struct owned *owned)
{
    u32 words = 0;

    for (u32 i = 0; i < owned->count; i++)
        for (u64 at = owned->ranges[i].first; at < owned->ranges[i].end; at += owned->ranges[i].stride)
            words++;
    return words;
}

static bool holds(const struct owned *owned, u64 address)
{
    for (u32 i = 0; i < owned->count; i++)
        for (u64 at = owned->ranges[i].first; at < owned->ranges[i].end; at += owned->ranges[i].stride)
            if (at == address)
                return true;
    return false;
}

/* The items below ob_size, while the list is in use. Those of a subclass are not listed. */
static void lists_of(const struct pm_layout *layout)
{
    struct fixture fixture;

    set_up(&fixture, layout);
    put_type(&fixture, SUBCLASS_TYPE, "Eggs", 1ul << PM_TYPE_LIST_BIT | GC_FLAG | HEAP_FLAG, LIST_TYPE, 80, 0);
    start(&fixture);
    u64 list = put_list(&fixture, 0, true);
    struct owned owned = owned_at(&fixture, list);
    assert_int_equal(words_in(&owned), 3);
    assert_true(holds(&owned, ITEMS) && holds(&owned, ITEMS + 16) && !owned.ranges[0].shared);
    put(&fixture, list, layout->at.object_type, SUBCLASS_TYPE);
    assert_int_equal(owned_at(&fixture, list).count, 0);
    put_object(&fixture, list, LIST_TYPE, 0);
    assert_int_equal(owned_at(&fixture, list).count, 0);
    tear_down(&fixture);
}

/* The item of a tuple that the collector's list does not have may be borrowed, if it is the only one and
   not None. */
static void tuples_of(const struct pm_layout *layout)
{
    struct fixture fixture;
    const u64 items = OBJECT + (u64)layout->at.tuple_items;
    struct owned owned;

    set_up(&fixture, layout);
    put_type(&fixture, NONE_TYPE, "NoneType", 0, OBJECT_TYPE, (u64)layout->at.object_bytes, 0);
    put_object(&fixture, NONE, NONE_TYPE, 3000);
    put_object(&fixture, OBJECT, TUPLE_TYPE, 2);
    put(&fixture, OBJECT, layout->at.object_size, 2);
    pm_image_put_u64(&fixture.image, items, NUMBER);
    pm_image_put_u64(&fixture.image, items + 8, TEXT);
    start(&fixture);
    owned = owned_at(&fixture, OBJECT);
    assert_true(words_in(&owned) == 2 && holds(&owned, items) && holds(&owned, items + 8));
    put(&fixture, OBJECT, layout->at.object_size, 1);
    assert_int_equal(owned_at(&fixture, OBJECT).count, 0);
    pm_image_put_u64(&fixture.image, items, NONE);
    owned = owned_at(&fixture, OBJECT);
    assert_int_equal(words_in(&owned), 1);
    tear_down(&fixture);
}

/* Writes the keys of a dict at TABLE, 3 entries of 8, and returns where the entries are. */
static u64 put_keys(struct fixture *fixture)
{
    const struct pm_layout_numbers *at = fixture->at;

    if (at->keys_size != PM_LAYOUT_ABSENT) {
        put(fixture, TABLE, at->keys_size, 8);
    } else {
        pm_image_put_u8(&fixture->image, TABLE + (u64)at->keys_log2_size, 3);
        pm_image_put_u8(&fixture->image, TABLE + (u64)at->keys_log2_index_bytes, 3);
        pm_image_put_u8(&fixture->image, TABLE + (u64)at->keys_kind, 0);
    }
    put(fixture, TABLE, at->keys_entry_count, 3);
    return TABLE + (u64)at->keys_indices + 8;
}

static void put_dict(struct fixture *fixture, u64 values)
{
    put_type(fixture, DICT_TYPE, "dict", 1ul << PM_TYPE_DICT_BIT | GC_FLAG, OBJECT_TYPE, 64, 0);
    put_object(fixture, OBJECT, DICT_TYPE, 1);
    put(fixture, OBJECT, fixture->at->dict_keys, TABLE);
    put(fixture, OBJECT, fixture->at->dict_values, values);
}

/* Keys and values, and not the hashes. With an array of values: those, and the keys may be another dict's. */
static void dicts_of(const struct pm_layout *layout)
{
    struct fixture fixture;

    if (layout->at.keys_indices == PM_LAYOUT_ABSENT)
        return;
    set_up(&fixture, layout);
    put_dict(&fixture, 0);
    u64 entries = put_keys(&fixture);
    start(&fixture);
    struct owned owned = owned_at(&fixture, OBJECT);
    assert_int_equal(words_in(&owned), 6);
    assert_false(holds(&owned, entries) || holds(&owned, entries + 24));
    assert_true(holds(&owned, entries + 8) && holds(&owned, entries + 16) && holds(&owned, entries + 48 + 16));
    assert_false(owned.ranges[0].shared || owned.ranges[1].shared);
    put_dict(&fixture, ITEMS);
    owned = owned_at(&fixture, OBJECT);
    assert_int_equal(words_in(&owned), 6);
    assert_true(holds(&owned, entries + 8) && !holds(&owned, entries + 16));
    assert_true(holds(&owned, ITEMS + (u64)layout->at.values_items));
    assert_true(owned.ranges[0].shared && owned.ranges[1].shared);
    tear_down(&fixture);
}

/* 2.7: entries of hash, key and value. */
static void tables_of(const struct pm_layout *layout)
{
    struct fixture fixture;

    if (layout->at.dict_table == PM_LAYOUT_ABSENT)
        return;
    set_up(&fixture, layout);
    put_type(&fixture, DICT_TYPE, "dict", 1ul << PM_TYPE_DICT_BIT | GC_FLAG, OBJECT_TYPE, 64, 0);
    put_object(&fixture, OBJECT, DICT_TYPE, 1);
    put(&fixture, OBJECT, layout->at.dict_mask, 7);
    put(&fixture, OBJECT, layout->at.dict_table, TABLE);
    start(&fixture);
    struct owned owned = owned_at(&fixture, OBJECT);
    assert_int_equal(words_in(&owned), 16);
    assert_true(holds(&owned, TABLE + 8) && holds(&owned, TABLE + 16) && !holds(&owned, TABLE + 24));
    tear_down(&fixture);
}

static void sets_of(const struct pm_layout *layout)
{
    struct fixture fixture;
    const u64 key = TABLE + (u64)layout->at.set_entry_key;

    set_up(&fixture, layout);
    put_type(&fixture, SET_TYPE, "frozenset", GC_FLAG, OBJECT_TYPE, 200, 0);
    put_object(&fixture, OBJECT, SET_TYPE, 1);
    put(&fixture, OBJECT, layout->at.set_mask, 7);
    put(&fixture, OBJECT, layout->at.set_table, TABLE);
    start(&fixture);
    struct owned owned = owned_at(&fixture, OBJECT);
    assert_int_equal(words_in(&owned), 8);
    assert_true(holds(&owned, key) && holds(&owned, key + 7 * 16) && !holds(&owned, key + 8));
    tear_down(&fixture);
}

/* A cell's content, and a function's fields without its list of weak references. */
static void cells_and_functions_of(const struct pm_layout *layout)
{
    struct fixture fixture;
    struct owned owned;

    set_up(&fixture, layout);
    put_type(&fixture, CELL_TYPE, "cell", GC_FLAG, OBJECT_TYPE, 32, 0);
    put_object(&fixture, OBJECT, CELL_TYPE, 1);
    put_type(&fixture, FUNCTION_TYPE, "function", GC_FLAG, OBJECT_TYPE, FUNCTION_BYTES, 0);
    put(&fixture, FUNCTION_TYPE, layout->at.type_weaklist_offset, WEAK_LIST);
    put_object(&fixture, TABLE, FUNCTION_TYPE, 1);
    start(&fixture);
    owned = owned_at(&fixture, OBJECT);
    assert_true(words_in(&owned) == 1 && holds(&owned, OBJECT + (u64)layout->at.cell_contents));
    owned = owned_at(&fixture, TABLE);
    assert_int_equal(words_in(&owned), (FUNCTION_BYTES - layout->at.object_bytes) / 8 - 1);
    assert_true(holds(&owned, TABLE + (u64)layout->at.object_bytes) && holds(&owned, TABLE + FUNCTION_BYTES - 8));
    assert_false(holds(&owned, TABLE + WEAK_LIST) || holds(&owned, TABLE + (u64)layout->at.object_type));
    tear_down(&fixture);
}

/* Values behind an instance own until the instance has a dict, which then owns them. */
static void instances_of(const struct pm_layout *layout)
{
    const struct pm_layout_numbers *at = &layout->at;
    struct fixture fixture;

    if (at->type_inline_values_bit == PM_LAYOUT_ABSENT)
        return;
    set_up(&fixture, layout);
    put_type(&fixture, SUBCLASS_TYPE, "Eggs",
             HEAP_FLAG | GC_FLAG | 1ul << at->type_inline_values_bit | 1ul << at->type_managed_dict_bit,
             OBJECT_TYPE, 16, 0);
    put(&fixture, SUBCLASS_TYPE, at->type_cached_keys, TABLE);
    put_keys(&fixture);
    put_object(&fixture, OBJECT, SUBCLASS_TYPE, 1);
    put(&fixture, OBJECT, at->preheader_dict, 0);
    start(&fixture);
    struct owned owned = owned_at(&fixture, OBJECT);
    assert_true(words_in(&owned) == 3 && holds(&owned, OBJECT + 16 + (u64)at->values_items));
    assert_true(owned.ranges[0].shared);
    put(&fixture, OBJECT, at->preheader_dict, BLOCK);
    assert_int_equal(owned_at(&fixture, OBJECT).count, 0);
    tear_down(&fixture);
}

static void singletons_of(const struct pm_layout *layout)
{
    struct fixture fixture;
    struct pm_object object;

    set_up(&fixture, layout);
    put_type(&fixture, NONE_TYPE, "NoneType", 0, OBJECT_TYPE, (u64)layout->at.object_bytes, 0);
    put_object(&fixture, NONE, NONE_TYPE, 3000);
    start(&fixture);
    assert_true(pm_objects_at(&fixture.objects, NONE, &object));
    assert_true(pm_objects_is_singleton(&fixture.objects, &object));
    assert_true(pm_objects_at(&fixture.objects, NUMBER, &object));
    assert_false(pm_objects_is_singleton(&fixture.objects, &object));
    /* A class may have the same name. */
    put_type(&fixture, SUBCLASS_TYPE, "NoneType", HEAP_FLAG, OBJECT_TYPE, (u64)layout->at.object_bytes, 0);
    put_object(&fixture, OBJECT, SUBCLASS_TYPE, 1);
    assert_true(pm_objects_at(&fixture.objects, OBJECT, &object));
    assert_false(pm_objects_is_singleton(&fixture.objects, &object));
    tear_down(&fixture);
}

static void test_lists(void **state)
{
    (void)state;
    each_row(lists_of);
}

static void test_tuples(void **state)
{
    (void)state;
    each_row(tuples_of);
}

static void test_dicts(void **state)
{
    (void)state;
    each_row(dicts_of);
    each_row(tables_of);
}

static void test_sets(void **state)
{
    (void)state;
    each_row(sets_of);
}

static void test_cells_and_functions(void **state)
{
    (void)state;
    each_row(cells_and_functions_of);
}

static void test_instances(void **state)
{
    (void)state;
    each_row(instances_of);
}

static void test_singletons(void **state)
{
    (void)state;
    each_row(singletons_of);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_tuples),
        cmocka_unit_test(test_dicts),
        cmocka_unit_test(test_sets),
        cmocka_unit_test(test_cells_and_functions),
        cmocka_unit_test(test_instances),
        cmocka_unit_test(test_singletons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
