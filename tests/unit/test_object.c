/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Objects in blocks, for every layout row: on made-up memory, and on that memory damaged at random. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "pm_object_fixture.h"
#include "pm_random.h"

static void expect_preview(struct fixture *fixture, const struct pm_object *object, const char *text)
{
    pm_buffer_clear(&fixture->text);
    pm_objects_preview(&fixture->objects, object, &fixture->text);
    assert_string_equal(fixture->text.bytes, text);
}

static void expect_field(struct fixture *fixture, const struct pm_object *object, u64 slot,
                        const char *name)
{
    pm_buffer_clear(&fixture->text);
    assert_int_equal(pm_objects_name_field(&fixture->objects, object, slot, &fixture->text),
                     name != NULL);
    assert_string_equal(fixture->text.bytes, name == NULL ? "" : name);
}

static void list_of(const struct pm_layout *layout)
{
    struct fixture fixture;
    struct pm_object object;
    u64 parts[4];

    for (u64 hook = 0; hook <= HOOK; hook += HOOK)
        for (int linked = 0; linked < 2; linked++) {
            u32 head = (u32)hook;
            u64 list;
            set_up(&fixture, layout);
            list = put_list(&fixture, hook, linked != 0);
            start(&fixture);
            assert_true(identify(&fixture, BLOCK_BYTES, hook, &object));
            assert_int_equal(object.address, list);
            assert_int_equal(object.offset, list - BLOCK);
            assert_int_equal(object.type, LIST_TYPE);
            assert_int_equal(object.references, 7);
            assert_int_equal(object.linked, linked != 0);
            assert_int_equal(object.collector_from, linked ? head + (u32)layout->at.gc_next : 0);
            assert_int_equal(object.collector_to, linked ? head + (u32)layout->at.gc_prev + 8 : 0);
            assert_false(object.immortal || object.interned || object.opaque);
            assert_string_equal("list", pm_strings_text(&fixture.strings, pm_objects_type_name(
                                            &fixture.objects, object.type)));
            expect_preview(&fixture, &object, "len 3");
            expect_field(&fixture, &object, ITEMS, "[0]");
            expect_field(&fixture, &object, ITEMS + 16, "[2]");
            expect_field(&fixture, &object, ITEMS + 24, NULL);
            expect_field(&fixture, &object, ITEMS - 8, NULL);
            expect_field(&fixture, &object, list + (u64)layout->at.object_type, ".ob_type");
            assert_int_equal(pm_objects_parts(&fixture.objects, &object, parts, 4), 1);
            assert_int_equal(parts[0], ITEMS);
            assert_int_equal(pm_objects_parts(&fixture.objects, &object, parts, 0), 0);
            /* With another hook prefix, or in a block too small, it is no object. */
            assert_false(identify(&fixture, BLOCK_BYTES, hook ^ HOOK, &object)
                         && object.address == list && object.offset != list - BLOCK);
            assert_false(identify(&fixture, list - BLOCK + 63, hook, &object));
            assert_true(identify(&fixture, list - BLOCK + 64, hook, &object));
            tear_down(&fixture);
        }
}

static void test_lists(void **state)
{
    (void)state;
    each_row(list_of);
}

/* A text with a wchar_t form in a block of its own, and one whose wchar_t form is its own characters. */
static void wide_text_of(const struct pm_layout *layout)
{
    const struct pm_layout_numbers *at = &layout->at;
    struct fixture fixture;
    struct pm_object object;
    u64 parts[4];

    if (at->unicode_wstr == PM_LAYOUT_ABSENT)
        return;
    for (int own = 0; own < 2; own++)
        for (int ascii = 0; ascii < 2; ascii++) {
            u64 characters = BLOCK + (u64)(ascii ? at->unicode_ascii_data : at->unicode_compact_data);
            set_up(&fixture, layout);
            put_object(&fixture, BLOCK, TEXT_TYPE, 2);
            pm_image_put_text(&fixture.image, layout, BLOCK, "spam");
            if (!ascii) {
                pm_image_put_u32(&fixture.image, BLOCK + (u64)at->unicode_state,
                                 1u << at->unicode_compact_shift);
                put(&fixture, BLOCK, at->unicode_utf8, 0);
            }
            put(&fixture, BLOCK, at->unicode_wstr, own ? ITEMS : characters);
            start(&fixture);
            assert_true(identify(&fixture, BLOCK_BYTES, 0, &object));
            assert_int_equal(object.opaque, !own);
            assert_int_equal(pm_objects_parts(&fixture.objects, &object, parts, 4), own);
            assert_true(!own || parts[0] == ITEMS);
            tear_down(&fixture);
        }
}

static void test_wide_texts(void **state)
{
    (void)state;
    each_row(wide_text_of);
}

/* unicode of 2.7, of builds with two and with four bytes a character. */
static void old_unicode_of(const struct pm_layout *layout)
{
    static const u16 pairs[] = { 0xd83d, 0xde00, 'a', 0xde00, 0xd83d, 0xd83d, 0xde00, 0xd83d };
    static const u32 each[] = { 0x1f600, 'a', 0xd83d, 0xde00 };
    struct fixture fixture;
    struct pm_object object;

    if (layout->strings != PM_STRING_BYTES)
        return;
    for (int four = 0; four < 2; four++) {
        set_up(&fixture, layout);
        put_object(&fixture, BLOCK, TEXT_TYPE, 2);
        put(&fixture, BLOCK, layout->at.wide_length, four ? 4 : 8);
        put(&fixture, BLOCK, layout->at.wide_data, ITEMS);
        if (four)
            pm_image_put(&fixture.image, ITEMS, each, sizeof each);
        else
            pm_image_put(&fixture.image, ITEMS, pairs, sizeof pairs);
        start(&fixture);
        assert_true(identify(&fixture, BLOCK_BYTES, 0, &object));
        expect_preview(&fixture, &object,
                       four ? "u'\\U0001f600a\\ud83d\\ude00'"
                            : "u'\\U0001f600a\\ude00\\ud83d\\U0001f600\\ud83d'");
        tear_down(&fixture);
    }
}

static void test_old_unicode(void **state)
{
    (void)state;
    each_row(old_unicode_of);
}

/* Damage that makes a block no object. */
static void refused_of(const struct pm_layout *layout)
{
    struct fixture fixture;
    struct pm_object object;
    u64 list;

    set_up(&fixture, layout);
    list = put_list(&fixture, 0, true);
    put_object(&fixture, list, LIST_TYPE, (u64)1 << 47);
    start(&fixture);
    assert_false(identify(&fixture, BLOCK_BYTES, 0, &object));
    put_object(&fixture, list, LIST_TYPE, TEXT);
    assert_false(identify(&fixture, BLOCK_BYTES, 0, &object) && !object.free_link);
    /* 3.14 and later keep the next free object's address there, which has the same type. */
    put_object(&fixture, NEIGHBOUR + 256, LIST_TYPE, 0);
    put_object(&fixture, list, LIST_TYPE, NEIGHBOUR + 256);
    assert_int_equal(identify(&fixture, BLOCK_BYTES, 0, &object) && object.free_link,
                     layout->free_lists == PM_FREE_LIST_LINKED);
    assert_true(!object.free_link || object.references == 0);
    put_object(&fixture, list, ITEMS, 7);
    assert_false(identify(&fixture, BLOCK_BYTES, 0, &object));
    put_object(&fixture, list, 0, 7);
    assert_false(identify(&fixture, BLOCK_BYTES, 0, &object));
    put_object(&fixture, list, TEXT_TYPE, 7);       /* no GC head, so it cannot start there */
    assert_false(identify(&fixture, BLOCK_BYTES, 0, &object));
    put_object(&fixture, list, LIST_TYPE, 7);
    assert_true(identify(&fixture, BLOCK_BYTES, 0, &object));
    put(&fixture, BLOCK, layout->at.gc_prev, ITEMS);
    assert_true(identify(&fixture, BLOCK_BYTES, 0, &object));
    assert_true(object.linked);     /* one neighbour may be gone */
    put(&fixture, NEIGHBOUR, layout->at.gc_prev, 0);
    assert_true(identify(&fixture, BLOCK_BYTES, 0, &object));
    assert_false(object.linked);
    assert_int_equal(object.collector_from, object.collector_to);
    assert_false(pm_objects_identify(&fixture.objects, BLOCK + 4, BLOCK_BYTES, 0, &object));
    assert_false(pm_objects_identify(&fixture.objects, 0xdead0000, BLOCK_BYTES, 0, &object));
    tear_down(&fixture);
}

static void test_refused(void **state)
{
    (void)state;
    each_row(refused_of);
}

/* A type that is damaged has no objects. */
static void damaged_type_of(const struct pm_layout *layout)
{
    const struct pm_layout_numbers *at = &layout->at;
    const struct {
        i32 field;
        u64 value;
    } damages[] = {
        { at->object_type, OBJECT_TYPE }, { at->object_type, 0 }, { at->type_name, 0xdead0000 },
        { at->type_basic_size, 4 }, { at->type_basic_size, (u64)-8 }, { at->type_item_size, (u64)1 << 40 },
        { at->type_flags, 1ul << PM_TYPE_LIST_BIT | GC_FLAG | HEAP_FLAG },      /* not ready */
    };

    for (size_t i = 0; i < PM_ARRAY_LENGTH(damages); i++) {
        struct fixture fixture;
        struct pm_object object;

        set_up(&fixture, layout);
        put_list(&fixture, 0, true);
        put(&fixture, LIST_TYPE, damages[i].field, damages[i].value);
        start(&fixture);
        assert_false(identify(&fixture, BLOCK_BYTES, 0, &object));
        assert_int_equal(pm_objects_type_name(&fixture.objects, LIST_TYPE).v, 0);
        tear_down(&fixture);
    }
}

static void test_damaged_types(void **state)
{
    (void)state;
    each_row(damaged_type_of);
}

/* Texts to which the interpreter keeps a surplus reference, and others. */
static void kept_texts_of(const struct pm_layout *layout)
{
    static const struct {
        const char *text;
        bool kept;
    } cases[] = { { "importlib", true }, { "_bootstrap", true }, { "bootstraps", false }, { "spam", false } };

    if (layout->strings != PM_STRING_UNICODE)
        return;
    for (size_t i = 0; i < PM_ARRAY_LENGTH(cases); i++)
        for (u32 interned = 0; interned < 2; interned++) {
            struct fixture fixture;
            struct pm_object object;
            u32 state;

            set_up(&fixture, layout);
            put_object(&fixture, BLOCK, TEXT_TYPE, 2);
            pm_image_put_text(&fixture.image, layout, BLOCK, cases[i].text);
            assert_true(pm_reader_read_u32(&fixture.image.reader, BLOCK + (u64)layout->at.unicode_state, &state));
            pm_image_put_u32(&fixture.image, BLOCK + (u64)layout->at.unicode_state,
                             state | interned << layout->at.unicode_interned_shift);
            start(&fixture);
            assert_true(identify(&fixture, BLOCK_BYTES, 0, &object));
            assert_int_equal(object.interned, interned);
            assert_int_equal(object.kept_references, cases[i].kept && interned == 0 ? layout->kept_texts : 0);
            tear_down(&fixture);
        }
}

static void test_kept_texts(void **state)
{
    (void)state;
    each_row(kept_texts_of);
}

/* A dict's version is not taken for an address. */
static void dict_version_of(const struct pm_layout *layout)
{
    const struct pm_layout_numbers *at = &layout->at;
    struct fixture fixture;
    struct pm_object object;
    struct pm_object_words words[PM_OBJECT_WEAK_WORDS_MAX];
    u64 dict = BLOCK + (u64)at->gc_head_bytes;
    bool version = false, keys = false;

    if (at->dict_keys == PM_LAYOUT_ABSENT)
        return;
    set_up(&fixture, layout);
    put_type(&fixture, CLASS_TYPE, "dict", 1ul << PM_TYPE_DICT_BIT | GC_FLAG, OBJECT_TYPE,
             (u64)at->dict_values + 8, 0);
    put_object(&fixture, dict, CLASS_TYPE, 1);
    put(&fixture, dict, at->dict_keys, ITEMS);
    start(&fixture);
    assert_true(identify(&fixture, BLOCK_BYTES, 0, &object));
    u32 count = pm_objects_weak_words(&fixture.objects, &object, words, PM_OBJECT_WEAK_WORDS_MAX);
    for (u32 i = 0; i < count; i++) {
        u64 first = words[i].first, end = words[i].end;
        version |= first <= dict + (u64)at->dict_used + 8 && dict + (u64)at->dict_used + 8 < end;
        keys |= first <= dict + (u64)at->dict_keys && dict + (u64)at->dict_keys < end;
    }
    assert_true(version);
    assert_false(keys);
    tear_down(&fixture);
}

static void test_dict_versions(void **state)
{
    (void)state;
    each_row(dict_version_of);
}

/* Finalization removes the name of a struct sequence's type. */
static void undone_sequence_of(const struct pm_layout *layout)
{
    const struct pm_layout_numbers *at = &layout->at;
    struct fixture fixture;
    struct pm_object object;
    u64 head = (u64)at->gc_head_bytes;

    for (int ready = 0; ready < 2; ready++) {
        set_up(&fixture, layout);
        put(&fixture, TUPLE_TYPE, at->type_name, 0);
        put(&fixture, TUPLE_TYPE, at->type_base, 0);
        put(&fixture, TUPLE_TYPE, at->type_flags,
            1ul << PM_TYPE_TUPLE_BIT | GC_FLAG | (ready ? READY_FLAG : 0));
        put_object(&fixture, BLOCK + head, TUPLE_TYPE, 1);
        put(&fixture, BLOCK + head, at->object_size, 2);
        start(&fixture);
        assert_int_equal(identify(&fixture, BLOCK_BYTES, 0, &object), !ready);
        assert_int_equal(pm_objects_type_name(&fixture.objects, TUPLE_TYPE).v, 0);
        pm_objects_name_type(&fixture.objects, TUPLE_TYPE, pm_strings_intern_text(&fixture.strings, "spam"));
        assert_string_equal(pm_strings_text(&fixture.strings, pm_objects_type_name(&fixture.objects, TUPLE_TYPE)),
                            ready ? "" : "spam");
        tear_down(&fixture);
    }
}

static void test_undone_sequences(void **state)
{
    (void)state;
    each_row(undone_sequence_of);
}

static void count_of(const struct pm_layout *layout)
{
    bool half = layout->at.object_refcount_bits == 32;
    struct fixture fixture;
    struct pm_object object;

    set_up(&fixture, layout);
    start(&fixture);
    put_object(&fixture, NUMBER, LONG_TYPE, 0xc0000000);
    assert_true(pm_objects_at(&fixture.objects, NUMBER, &object));
    assert_int_equal(object.immortal, half);
    put_object(&fixture, NUMBER, LONG_TYPE, 0);         /* kept in a free list */
    assert_true(pm_objects_at(&fixture.objects, NUMBER, &object));
    assert_int_equal(object.references, 0);
    assert_false(object.immortal || object.opaque);
    put_object(&fixture, NUMBER, LONG_TYPE, 3);
    assert_true(pm_objects_at(&fixture.objects, NUMBER, &object));
    assert_true(object.opaque);
    expect_preview(&fixture, &object, "12345");
    if (layout->strings == PM_STRING_UNICODE) {
        assert_true(pm_objects_at(&fixture.objects, TEXT, &object));
        assert_true(object.opaque);
        assert_false(object.interned);
        expect_preview(&fixture, &object, "'spam'");
    }
    tear_down(&fixture);
}

static void test_counts_and_previews(void **state)
{
    (void)state;
    each_row(count_of);
}

static void test_not_started(void **state)
{
    struct fixture fixture;

    (void)state;
    set_up(&fixture, pm_layout_find(0x030b02f0, 0));
    put_object(&fixture, METATYPE, OBJECT_TYPE, 5);
    assert_false(pm_objects_init(&fixture.objects, &fixture.image.reader, &fixture.strings,
                                 &fixture.interpreter));
    tear_down(&fixture);
    set_up(&fixture, pm_layout_find(0x030b02f0, 0));
    fixture.interpreter.layout = NULL;
    assert_false(pm_objects_init(&fixture.objects, &fixture.image.reader, &fixture.strings,
                                 &fixture.interpreter));
    tear_down(&fixture);
}

/* With words replaced by other addresses and by nonsense, all functions still answer. */
static void mutated_of(const struct pm_layout *layout)
{
    static const u64 places[] = { METATYPE, OBJECT_TYPE, LIST_TYPE, TEXT_TYPE, LONG_TYPE, TUPLE_TYPE,
                                  CLASS_TYPE, BLOCK, ITEMS, NEIGHBOUR, TEXT, NUMBER };
    struct pm_random random = pm_random_start();
    u64 parts[8];

    for (int i = 0; i < MUTATIONS; i++) {
        struct fixture fixture;
        struct pm_object object;

        set_up(&fixture, layout);
        put_list(&fixture, 0, true);
        if (i % 2)
            put_object(&fixture, BLOCK, places[pm_random_below(&random, PM_ARRAY_LENGTH(places))], 1);
        for (int changes = 0; changes < 6; changes++) {
            u64 to = places[pm_random_below(&random, PM_ARRAY_LENGTH(places))];
            u64 value = pm_random_below(&random, 2) ? to : pm_random_u64(&random);
            to = places[pm_random_below(&random, PM_ARRAY_LENGTH(places))];
            pm_image_put_u64(&fixture.image, to + pm_random_below(&random, 60) * 8, value);
        }
        if (pm_objects_init(&fixture.objects, &fixture.image.reader, &fixture.strings,
                            &fixture.interpreter))
            for (size_t k = 0; k < PM_ARRAY_LENGTH(places); k++) {
                if (!pm_objects_identify(&fixture.objects, places[k], BLOCK_BYTES, 0, &object)
                        && !pm_objects_at(&fixture.objects, places[k], &object))
                    continue;
                assert_true(object.collector_to <= object.offset || object.offset == 0);
                pm_buffer_clear(&fixture.text);
                pm_objects_preview(&fixture.objects, &object, &fixture.text);
                assert_true(fixture.text.length < 400);
                for (u64 slot = 0; slot < BLOCK_BYTES; slot += 8) {
                    pm_objects_name_field(&fixture.objects, &object, object.address + slot, &fixture.text);
                    pm_objects_name_field(&fixture.objects, &object, ITEMS + slot, &fixture.text);
                }
                assert_true(pm_objects_parts(&fixture.objects, &object, parts, 8) <= 8);
                pm_objects_type_name(&fixture.objects, object.type);
            }
        tear_down(&fixture);
    }
}

static void test_mutated_memory(void **state)
{
    (void)state;
    each_row(mutated_of);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists), cmocka_unit_test(test_refused), cmocka_unit_test(test_wide_texts),
        cmocka_unit_test(test_old_unicode),
        cmocka_unit_test(test_undone_sequences), cmocka_unit_test(test_dict_versions),
        cmocka_unit_test(test_kept_texts),
        cmocka_unit_test(test_damaged_types), cmocka_unit_test(test_counts_and_previews),
        cmocka_unit_test(test_not_started), cmocka_unit_test(test_mutated_memory),
    };
    return pm_random_verdict(cmocka_run_group_tests(tests, NULL, NULL));
}
