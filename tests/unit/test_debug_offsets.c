/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interpreters' own tables: those of real ones give the rows of the layout table, and damaged ones are refused
   with the name of the bad field. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "base/pm_platform.h"
#include "cpython/pm_interpreter.h"
#include "pm_image.h"
#include "pm_offsets_tables.h"
#include "pm_random.h"

enum {
    RUNTIME = 0x40fe0,      /* so that each table lies on two pages */
    VERSION_TEXT = 0x50000,
    MAX_WORDS = PM_OFFSETS_TABLE_BYTES / 8,
};

static const struct capture {
    u32 version;
    const char *text;
    const u64 *words;
    size_t count;
} captures[] = {
    { 0x030d00f0, "3.13.0", offsets_3_13, PM_ARRAY_LENGTH(offsets_3_13) },
    { 0x030e0af0, "3.14.10", offsets_3_14, PM_ARRAY_LENGTH(offsets_3_14) },
    { 0x030f02f0, "3.15.2", offsets_3_15, PM_ARRAY_LENGTH(offsets_3_15) },
};

/* Every word that we use, and the size that bounds it. */
static const struct word {
    const char *name;
    size_t place, size_place, number;
    u64 width;
} words[] = {
#define WORD(number_, section, member, width_) { \
        #section "." #member, offsetof(struct pm_offsets_places, section##_##member), \
        offsetof(struct pm_offsets_places, section##_size), \
        offsetof(struct pm_layout_numbers, number_), width_ },
    PM_OFFSETS_FIELDS(WORD)
};

struct fixture {
    struct pm_image image;
    const struct capture *capture;
    const struct pm_layout *row;
    struct pm_layout own;
    struct pm_buffer why;
};

static void set_up(struct fixture *fixture, const struct capture *capture)
{
    memset(fixture, 0, sizeof *fixture);
    fixture->capture = capture;
    fixture->row = pm_layout_find(capture->version, 0);
    assert_non_null(fixture->row);
    assert_int_equal(fixture->row->offsets.table_bytes, capture->count * 8);
    pm_image_init(&fixture->image);
    pm_image_put(&fixture->image, RUNTIME, capture->words, capture->count * 8);
    pm_buffer_init(&fixture->why);
}

static void tear_down(struct fixture *fixture)
{
    pm_image_release(&fixture->image);
    pm_buffer_release(&fixture->why);
}

#define FOR_EACH_CAPTURE(fixture) \
    for (size_t each = 0; each < PM_ARRAY_LENGTH(captures) \
                          && (set_up(fixture, &captures[each]), true); \
         tear_down(fixture), each++)

static bool apply(struct fixture *fixture)
{
    pm_buffer_clear(&fixture->why);
    return pm_debug_offsets_apply(&fixture->image.reader, RUNTIME, fixture->capture->version,
                                  fixture->row, &fixture->own, &fixture->why);
}

static void expect_refusal(struct fixture *fixture, const char *why)
{
    assert_false(apply(fixture));
    assert_string_equal(fixture->why.bytes, why);
}

static size_t place_of(const struct fixture *fixture, size_t place)
{
    i32 found;
    memcpy(&found, (const u8 *)&fixture->row->offsets + place, sizeof found);
    return (size_t)found;
}

static i32 number_in(const struct pm_layout *layout, size_t number)
{
    i32 found;
    memcpy(&found, (const u8 *)&layout->at + number, sizeof found);
    return found;
}

static u64 captured(const struct fixture *fixture, size_t place)
{
    return fixture->capture->words[place_of(fixture, place) / 8];
}

static void put_word(struct fixture *fixture, size_t place, u64 value)
{
    pm_image_put_u64(&fixture->image, RUNTIME + place_of(fixture, place), value);
}

static void test_real_tables_give_the_rows(void **state)
{
    struct fixture fixture;

    (void)state;
    FOR_EACH_CAPTURE(&fixture) {
        assert_true(apply(&fixture));
        assert_memory_equal(&fixture.own.at, &fixture.row->at, sizeof fixture.own.at);
        assert_string_equal(fixture.why.bytes, "");
    }
}

static void test_head(void **state)
{
    struct fixture fixture;

    (void)state;
    FOR_EACH_CAPTURE(&fixture) {
        for (u64 byte = 0; byte < 8; byte++) {
            pm_image_put_u8(&fixture.image, RUNTIME + byte, 'X');
            expect_refusal(&fixture, "its _Py_DebugOffsets does not begin with its cookie");
            pm_image_put_u64(&fixture.image, RUNTIME, fixture.capture->words[0]);
        }
        pm_image_put_u64(&fixture.image, RUNTIME + 8, fixture.capture->version + 0x100);
        expect_refusal(&fixture, "its _Py_DebugOffsets names another version");
        pm_image_put_u64(&fixture.image, RUNTIME + 8,
                         (u64)1 << 32 | fixture.capture->version);
        expect_refusal(&fixture, "its _Py_DebugOffsets names another version");
        pm_image_put_u64(&fixture.image, RUNTIME + 8, fixture.capture->version);
        pm_image_put_u64(&fixture.image, RUNTIME + 16, 1);
        expect_refusal(&fixture, "its _Py_DebugOffsets is that of a free-threaded build");
        pm_image_unmap(&fixture.image, RUNTIME + 0x1000);
        expect_refusal(&fixture, "its _Py_DebugOffsets cannot be read");
    }
}

static void expect_field_refusal(struct fixture *fixture, const struct word *word, u64 value,
                                 const char *failure)
{
    char why[128];

    put_word(fixture, word->place, value);
    snprintf(why, sizeof why, "its _Py_DebugOffsets has %s %s", word->name, failure);
    expect_refusal(fixture, why);
    put_word(fixture, word->place, captured(fixture, word->place));
    assert_true(apply(fixture));
}

static void test_bounds_of_each_word(void **state)
{
    struct fixture fixture;

    (void)state;
    FOR_EACH_CAPTURE(&fixture) {
        for (size_t i = 0; i < PM_ARRAY_LENGTH(words); i++) {
            const struct word *word = &words[i];
            u64 size = captured(&fixture, word->size_place);

            expect_field_refusal(&fixture, word, size, "outside its object");
            expect_field_refusal(&fixture, word, size - word->width + 1, "outside its object");
            expect_field_refusal(&fixture, word, UINT64_MAX, "outside its object");
            expect_field_refusal(&fixture, word, UINT64_MAX - 7, "outside its object");
            expect_field_refusal(&fixture, word, (u64)1 << 32, "outside its object");
            if (word->width > 1)
                expect_field_refusal(&fixture, word, 1, "unaligned");
        }
    }
}

/* Two words of one object overlap: the message names the later one in our list. */
static void test_overlaps(void **state)
{
    struct fixture fixture;
    unsigned tried = 0;

    (void)state;
    FOR_EACH_CAPTURE(&fixture) {
        for (size_t i = 1; i < PM_ARRAY_LENGTH(words); i++) {
            u64 before = captured(&fixture, words[i - 1].place);

            if (words[i].size_place != words[i - 1].size_place
                    || before % words[i].width != 0
                    || before + words[i].width > captured(&fixture, words[i].size_place))
                continue;
            expect_field_refusal(&fixture, &words[i], before, "on top of another field");
            tried++;
        }
    }
    assert_true(tried >= 24);
}

static void test_sizes(void **state)
{
    struct fixture fixture;

    (void)state;
    FOR_EACH_CAPTURE(&fixture) {
        for (size_t i = 0; i < PM_ARRAY_LENGTH(words); i++) {
            put_word(&fixture, words[i].size_place, 0);
            assert_false(apply(&fixture));
            assert_non_null(strstr(fixture.why.bytes, "outside its object"));
            put_word(&fixture, words[i].size_place, 1 << 20);
            assert_false(apply(&fixture));
            assert_non_null(strstr(fixture.why.bytes, "outside its object"));
            put_word(&fixture, words[i].size_place, captured(&fixture, words[i].size_place));
        }
    }
}

/* Another patch level moves fields: its table counts, and neighbouring fields move with them. */
static void test_moved_fields(void **state)
{
    struct fixture fixture;

    (void)state;
    FOR_EACH_CAPTURE(&fixture) {
        const struct pm_layout_numbers *row = &fixture.row->at, *own = &fixture.own.at;
        const size_t frame = offsetof(struct pm_offsets_places, thread_state_current_frame),
            code_size = offsetof(struct pm_offsets_places, code_object_size),
            adaptive = offsetof(struct pm_offsets_places, code_object_co_code_adaptive),
            ascii = offsetof(struct pm_offsets_places, unicode_object_asciiobject_size),
            owner = offsetof(struct pm_offsets_places, interpreter_frame_owner);

        put_word(&fixture, frame, 96);
        put_word(&fixture, code_size, captured(&fixture, code_size) + 8);
        put_word(&fixture, adaptive, (u64)row->code_instructions + 8);
        put_word(&fixture, ascii, (u64)row->unicode_ascii_data + 8);
        put_word(&fixture, owner, (u64)row->frame_owner + 1);
        assert_true(apply(&fixture));
        assert_int_equal(own->thread_frame, 96);
        assert_int_equal(own->code_instructions, row->code_instructions + 8);
        assert_int_equal(own->code_first_traceable, row->code_first_traceable + 8);
        assert_int_equal(own->code_bytes, row->code_bytes + 8);
        assert_int_equal(own->unicode_compact_data, row->unicode_compact_data + 8);
        assert_int_equal(own->unicode_legacy_data, row->unicode_legacy_data + 8);
        assert_int_equal(own->frame_owner, row->frame_owner + 1);
        assert_int_equal(own->frame_bytes, row->frame_bytes);
        assert_int_equal(own->gc_head_bytes, row->gc_head_bytes);
        put_word(&fixture, code_size, 4096);
        put_word(&fixture, adaptive, 8);
        expect_refusal(&fixture, "its _Py_DebugOffsets leaves no room before the instructions");
        put_word(&fixture, adaptive, 2048);
        expect_refusal(&fixture, "its _Py_DebugOffsets describes frames or code objects larger "
                                 "than any known");
    }
}

/* Accepted offsets never lead outside the blocks that the walk copies. */
static void test_random_damage(void **state)
{
    struct pm_random random = pm_random_start();
    struct fixture fixture;
    unsigned accepted = 0, refused = 0;

    (void)state;
    FOR_EACH_CAPTURE(&fixture) {
        for (unsigned round = 0; round < 20000; round++) {
            size_t word = 3 + pm_random_below(&random, fixture.capture->count - 3);

            pm_image_put_u64(&fixture.image, RUNTIME + word * 8, pm_random_any_size(&random));
            if (apply(&fixture)) {
                accepted++;
                for (size_t i = 0; i < PM_ARRAY_LENGTH(words); i++)
                    assert_in_range(number_in(&fixture.own, words[i].number), 0, 1 << 16);
                assert_in_range(fixture.own.at.frame_bytes, 8, PM_LAYOUT_FRAME_BYTES);
                assert_in_range(fixture.own.at.code_bytes, 8, PM_LAYOUT_CODE_BYTES);
            } else {
                refused++;
                assert_int_not_equal(fixture.why.length, 0);
            }
            if (round % 4 == 0)
                pm_image_put(&fixture.image, RUNTIME, fixture.capture->words,
                             fixture.capture->count * 8);
        }
    }
    assert_true(accepted > 1000 && refused > 1000);
}

/* pm_interpreter_init uses the table. */
static bool init(struct fixture *fixture, const char *version, u64 runtime, char *why, size_t size)
{
    const struct pm_interpreter_facts facts = { .version_text = VERSION_TEXT, .runtime = runtime };
    struct pm_interpreter interpreter;
    bool known;

    pm_image_put(&fixture->image, VERSION_TEXT, version, strlen(version) + 1);
    known = pm_interpreter_init(&interpreter, &fixture->image.reader, &facts, why, size);
    assert_ptr_equal(interpreter.layout, !known ? NULL : runtime != 0 ? &interpreter.own_layout
                                                                      : fixture->row);
    return known;
}

static void test_interpreter(void **state)
{
    struct fixture fixture;
    char why[200];

    (void)state;
    FOR_EACH_CAPTURE(&fixture) {
        assert_true(init(&fixture, fixture.capture->text, RUNTIME, why, sizeof why));
        assert_true(init(&fixture, fixture.capture->text, 0, why, sizeof why));
        pm_image_put_u8(&fixture.image, RUNTIME, 'y');
        assert_false(init(&fixture, fixture.capture->text, RUNTIME, why, sizeof why));
        assert_non_null(strstr(why, ": its _Py_DebugOffsets does not begin with its cookie"));
    }
}

/* The structs of previews still change, so only their own table is believed. */
static void test_previews(void **state)
{
    struct fixture fixture;
    char why[200];

    (void)state;
    set_up(&fixture, &captures[2]);
    assert_false(init(&fixture, "3.15.0rc2", 0, why, sizeof why));
    assert_string_equal(why, "CPython 3.15.0rc2: a preview of a release is only understood by its "
                             "_Py_DebugOffsets, and no _PyRuntime was found");
    assert_false(init(&fixture, "3.15.0rc2", RUNTIME, why, sizeof why));
    assert_string_equal(why, "CPython 3.15.0rc2: its _Py_DebugOffsets names another version");
    pm_image_put_u64(&fixture.image, RUNTIME + 8, 0x030f00c2);
    assert_true(init(&fixture, "3.15.0rc2", RUNTIME, why, sizeof why));
    pm_image_put_u64(&fixture.image, RUNTIME + 8, 0x030e00c2);
    assert_false(init(&fixture, "3.14.0rc2", RUNTIME, why, sizeof why));
    assert_string_equal(why, "no layout for CPython 3.14.0rc2");
    tear_down(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_real_tables_give_the_rows),
        cmocka_unit_test(test_head),
        cmocka_unit_test(test_bounds_of_each_word),
        cmocka_unit_test(test_overlaps),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_moved_fields),
        cmocka_unit_test(test_random_damage),
        cmocka_unit_test(test_interpreter),
        cmocka_unit_test(test_previews),
    };
    return pm_random_verdict(cmocka_run_group_tests(tests, NULL, NULL));
}
