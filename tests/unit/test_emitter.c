/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The JSON emitter, checked by jansson, which reads what it wrote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "pm_fixture.h"
#include "pm_random.h"
#include "report/pm_emitter.h"
#include "report/pm_utf8.h"

/* [bytes] as the emitter writes it. */
static void emit_string(struct pm_buffer *out, const char *bytes, size_t length)
{
    struct pm_sink sink = pm_fixture_sink(out);
    struct pm_emitter emitter;

    pm_emitter_init(&emitter, &sink, 0);
    pm_emitter_list_begin(&emitter, PM_EMITTER_INLINE);
    pm_emitter_bytes(&emitter, bytes, length);
    pm_emitter_hex(&emitter, bytes, length);
    pm_emitter_list_end(&emitter);
    pm_emitter_finish(&emitter);
}

static void assert_hex(const char *hex, const char *bytes, size_t length)
{
    assert_int_equal(strlen(hex), 2 * length);
    for (size_t i = 0; i < length; i++) {
        char digits[3] = { hex[2 * i], hex[2 * i + 1], '\0' };
        assert_int_equal(strtoul(digits, NULL, 16), (u8)bytes[i]);
    }
}

/* jansson accepts only UTF-8 without surrogates as a string. */
static bool jansson_takes(const char *bytes, size_t length)
{
    json_t *string = json_stringn(bytes, length);
    bool taken = string != NULL && memchr(bytes, '\0', length) == NULL;
    json_decref(string);
    return taken;
}

static void check_string(const char *bytes, size_t length)
{
    struct pm_buffer out;
    json_error_t error;

    pm_buffer_init(&out);
    emit_string(&out, bytes, length);
    json_t *list = json_loadb(out.bytes, out.length, 0, &error);
    if (list == NULL)
        fail_msg("%s in %s", error.text, out.bytes);
    assert_int_equal(json_array_size(list), 2);
    bool exact = jansson_takes(bytes, length);
    assert_int_equal(pm_utf8_is_exact(bytes, length), exact);
    if (exact) {
        json_t *string = json_array_get(list, 0);
        assert_int_equal(json_string_length(string), length);
        assert_memory_equal(json_string_value(string), bytes, length);
    }
    assert_hex(json_string_value(json_array_get(list, 1)), bytes, length);
    for (size_t i = 0; i + 1 < out.length; i++)
        assert_true((u8)out.bytes[i] >= 0x20);
    json_decref(list);
    pm_buffer_release(&out);
}

static void test_every_short_string(void **state)
{
    (void)state;
    check_string("", 0);
    for (unsigned a = 0; a < 256; a++) {
        char one[1] = { (char)a };
        check_string(one, 1);
        for (unsigned b = 0; b < 256; b += 7) {
            char two[2] = { (char)a, (char)b };
            check_string(two, 2);
        }
    }
}

/* Bytes at the limits of UTF-8, in any order. */
static void test_random_strings(void **state)
{
    static const u8 alphabet[] = {
        0x00, 0x01, '\n', 0x1b, '"', '\\', '/', 'a', 'u', 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
        0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xed, 0xef, 0xf0, 0xf1, 0xf4, 0xf5, 0xf8, 0xff,
    };
    u64 random = 20240607;
    (void)state;

    for (int round = 0; round < 20000; round++) {
        char bytes[9];
        size_t length = 1 + round % sizeof bytes;
        for (size_t i = 0; i < length; i++) {
            random = random * 6364136223846793005ull + 1442695040888963407ull;
            bytes[i] = (char)alphabet[(random >> 33) % sizeof alphabet];
        }
        check_string(bytes, length);
    }
}

static void assert_shown(const char *bytes, size_t length, const char *shown)
{
    struct pm_buffer out;

    pm_buffer_init(&out);
    emit_string(&out, bytes, length);
    json_t *list = json_loadb(out.bytes, out.length, 0, NULL);
    assert_non_null(list);
    assert_string_equal(json_string_value(json_array_get(list, 0)), shown);
    json_decref(list);
    pm_buffer_release(&out);
}

static void test_shown_form_of_bad_bytes(void **state)
{
    (void)state;
    assert_shown("caf\xe9.py", 7, "caf\\xe9.py");
    assert_shown("caf\xed\xb3\xa9.py", 9, "caf\\xe9.py");       /* U+DCE9: surrogateescape */
    assert_shown("\xed\xa0\x80", 3, "\\ud800");
    assert_shown("\xed\xb0\x80", 3, "\\udc00");
    assert_shown("a\0b", 3, "a\\x00b");
    assert_shown("\xc0\xaf", 2, "\\xc0\\xaf");                  /* overlong slash */
    assert_shown("\xe2\x82", 2, "\\xe2\\x82");                  /* cut short */
    assert_shown("\xe2\x82\xac", 3, "\xe2\x82\xac");
}

static void emit_sample(const struct pm_sink *sink, size_t chunk_bytes)
{
    struct pm_emitter emitter;

    pm_emitter_init(&emitter, sink, chunk_bytes);
    pm_emitter_dict_begin(&emitter, PM_EMITTER_LINES);
    pm_emitter_key_u64(&emitter, "most", UINT64_MAX);
    pm_emitter_key(&emitter, "least");
    pm_emitter_i64(&emitter, INT64_MIN);
    pm_emitter_key_text(&emitter, "none", NULL);
    pm_emitter_key_bool(&emitter, "yes", true);
    pm_emitter_key_bool(&emitter, "no", false);
    pm_emitter_key(&emitter, "empty");
    pm_emitter_list_begin(&emitter, PM_EMITTER_LINES);
    pm_emitter_list_end(&emitter);
    pm_emitter_key(&emitter, "rows");
    pm_emitter_list_begin(&emitter, PM_EMITTER_LINES);
    for (u64 i = 0; i < 2; i++) {
        pm_emitter_dict_begin(&emitter, PM_EMITTER_INLINE);
        pm_emitter_key_u64(&emitter, "a\"b", i);
        pm_emitter_key(&emitter, "pair");
        pm_emitter_list_begin(&emitter, PM_EMITTER_INLINE);
        pm_emitter_null(&emitter);
        pm_emitter_text(&emitter, "x\ty\x1b");
        pm_emitter_list_end(&emitter);
        pm_emitter_dict_end(&emitter);
    }
    pm_emitter_list_end(&emitter);
    pm_emitter_dict_end(&emitter);
    pm_emitter_finish(&emitter);
}

static void test_layout(void **state)
{
    struct pm_buffer out;
    struct pm_sink sink = pm_fixture_sink(&out);
    (void)state;

    pm_buffer_init(&out);
    emit_sample(&sink, 0);
    assert_string_equal(out.bytes,
                        "{\n"
                        " \"most\": 18446744073709551615,\n"
                        " \"least\": -9223372036854775808,\n"
                        " \"none\": null,\n"
                        " \"yes\": true,\n"
                        " \"no\": false,\n"
                        " \"empty\": [],\n"
                        " \"rows\": [\n"
                        "  {\"a\\\"b\":0,\"pair\":[null,\"x\\ty\\u001b\"]},\n"
                        "  {\"a\\\"b\":1,\"pair\":[null,\"x\\ty\\u001b\"]}\n"
                        " ]\n"
                        "}\n");
    pm_buffer_release(&out);
}

struct pieces {
    struct pm_buffer all;
    unsigned count;
};

static void count_piece(void *context, const char *bytes, size_t length)
{
    struct pieces *pieces = context;

    assert_int_equal(bytes[length], '\0');
    pieces->count++;
    pm_buffer_add_bytes(&pieces->all, bytes, length);
}

static void test_pieces_make_the_same_whole(void **state)
{
    struct pieces large = { .count = 0 }, small = { .count = 0 };
    struct pm_sink to_large = { count_piece, &large }, to_small = { count_piece, &small };
    (void)state;

    pm_buffer_init(&large.all);
    pm_buffer_init(&small.all);
    emit_sample(&to_large, 0);
    emit_sample(&to_small, 1);
    assert_int_equal(large.count, 1);
    assert_true(small.count > 8);
    assert_string_equal(small.all.bytes, large.all.bytes);
    pm_buffer_release(&large.all);
    pm_buffer_release(&small.all);
}

static void test_wrapped_list_has_no_long_lines(void **state)
{
    struct pm_buffer out;
    struct pm_sink sink = pm_fixture_sink(&out);
    struct pm_emitter emitter;
    (void)state;

    pm_buffer_init(&out);
    pm_emitter_init(&emitter, &sink, 200);
    pm_emitter_list_begin(&emitter, PM_EMITTER_WRAPPED);
    for (u64 i = 0; i < 10000; i++)
        pm_emitter_u64(&emitter, i);
    pm_emitter_list_end(&emitter);
    pm_emitter_finish(&emitter);

    for (const char *line = out.bytes; *line != '\0'; line = strchr(line, '\n') + 1)
        assert_true(strcspn(line, "\n") <= 110);
    json_t *list = json_loadb(out.bytes, out.length, 0, NULL);
    assert_int_equal(json_array_size(list), 10000);
    for (size_t i = 0; i < 10000; i++)
        assert_int_equal(json_integer_value(json_array_get(list, i)), i);
    json_decref(list);
    pm_buffer_release(&out);
}

/* Numbers of every length, compared with printf. */
static void test_numbers(void **state)
{
    struct pm_buffer out;
    struct pm_sink sink = pm_fixture_sink(&out);
    struct pm_emitter emitter;
    char expected[4096];
    size_t length = 0;
    (void)state;

    pm_buffer_init(&out);
    pm_emitter_init(&emitter, &sink, 0);
    pm_emitter_list_begin(&emitter, PM_EMITTER_INLINE);
    for (u64 power = 1; ; power *= 10) {
        const u64 values[] = { power - 1, power, power + 1, UINT64_MAX - power };
        for (size_t i = 0; i < PM_ARRAY_LENGTH(values); i++) {
            pm_emitter_u64(&emitter, values[i]);
            pm_emitter_i64(&emitter, (i64)values[i]);
            length += (size_t)snprintf(expected + length, sizeof expected - length, "%c%llu,%lld",
                                       length == 0 ? '[' : ',', (unsigned long long)values[i],
                                       (long long)values[i]);
        }
        if (power > UINT64_MAX / 10)
            break;
    }
    pm_emitter_list_end(&emitter);
    pm_emitter_finish(&emitter);
    snprintf(expected + length, sizeof expected - length, "]\n");
    assert_string_equal(out.bytes, expected);
    pm_buffer_release(&out);
}

/* The longest possible items, in a document of the greatest depth. */
enum { MANY = 3000 };

/* A list in a list in a dict. Its values are written in pieces of up to most_together, or one
   by one. */
static void emit_items(struct pm_buffer *out, enum pm_emitter_layout layout, size_t chunk_bytes,
                       const u64 *values, struct pm_random *random, size_t most_together)
{
    struct pm_sink sink = pm_fixture_sink(out);
    struct pm_emitter emitter;
    size_t piece;

    pm_emitter_init(&emitter, &sink, chunk_bytes);
    pm_emitter_dict_begin(&emitter, PM_EMITTER_LINES);
    pm_emitter_key(&emitter, "values");
    pm_emitter_list_begin(&emitter, layout);
    pm_emitter_null(&emitter);
    for (size_t i = 0; i < MANY; i += piece) {
        piece = most_together != 0 ? pm_random_below(random, most_together + 1) : 1;
        piece = piece < MANY - i ? piece : MANY - i;
        if (most_together != 0)
            pm_emitter_u64_items(&emitter, values + i, piece);
        else
            pm_emitter_u64(&emitter, values[i]);
    }
    pm_emitter_list_end(&emitter);
    pm_emitter_dict_end(&emitter);
    pm_emitter_finish(&emitter);
}

static void test_many_items_at_once(void **state)
{
    static const size_t chunks[] = { 1, 7, 90, 101, 1000, 0 }, together[] = { 1, 2, 256, MANY };
    static u64 values[MANY];
    struct pm_random random = { pm_random_seed() };
    struct pm_buffer one_by_one, out;

    (void)state;
    for (size_t i = 0; i < MANY; i++)
        values[i] = i % 5 == 0 ? pm_random_below(&random, 12) : pm_random_any_size(&random);
    pm_buffer_init(&one_by_one);
    pm_buffer_init(&out);
    for (int layout = PM_EMITTER_LINES; layout <= PM_EMITTER_WRAPPED; layout++) {
        pm_buffer_clear(&one_by_one);
        emit_items(&one_by_one, (enum pm_emitter_layout)layout, 0, values, &random, 0);
        for (size_t i = 0; i < PM_ARRAY_LENGTH(chunks) * PM_ARRAY_LENGTH(together); i++) {
            pm_buffer_clear(&out);
            emit_items(&out, (enum pm_emitter_layout)layout, chunks[i / PM_ARRAY_LENGTH(together)],
                       values, &random, together[i % PM_ARRAY_LENGTH(together)]);
            assert_int_equal(out.length, one_by_one.length);
            assert_memory_equal(out.bytes, one_by_one.bytes, out.length);
        }
    }
    pm_buffer_release(&one_by_one);
    pm_buffer_release(&out);
}

/* Compared with printf: all numbers near a power of ten, and random ones. */
static void test_digits(void **state)
{
    struct pm_random random = { pm_random_seed() };
    u64 power = 1;

    (void)state;
    for (unsigned i = 0; i < 20 * 8 + 10000; i++) {
        u64 value = i < 20 * 8 ? power + i % 8 - 4 : pm_random_any_size(&random);
        char expected[32];
        struct pm_buffer out;
        struct pm_sink sink = pm_fixture_sink(&out);
        struct pm_emitter emitter;

        if (i < 20 * 8 && i % 8 == 7)
            power *= 10;
        pm_buffer_init(&out);
        pm_emitter_init(&emitter, &sink, 0);
        pm_emitter_u64(&emitter, value);
        pm_emitter_finish(&emitter);
        snprintf(expected, sizeof expected, "%llu\n", (unsigned long long)value);
        assert_string_equal(out.bytes, expected);
        pm_buffer_release(&out);
    }
}

static void emit_deep(const struct pm_sink *sink, size_t chunk_bytes, const struct pm_buffer *text)
{
    struct pm_emitter emitter;

    pm_emitter_init(&emitter, sink, chunk_bytes);
    for (unsigned i = 1; i < PM_EMITTER_MAX_DEPTH; i++) {
        pm_emitter_dict_begin(&emitter, PM_EMITTER_LINES);
        pm_emitter_key_u64(&emitter, text->bytes, UINT64_MAX);
        pm_emitter_key(&emitter, "least");
        pm_emitter_i64(&emitter, INT64_MIN);
        pm_emitter_key_text(&emitter, "text", text->bytes);
        pm_emitter_key(&emitter, "hex");
        pm_emitter_hex(&emitter, text->bytes, text->length);
        pm_emitter_key(&emitter, "");
    }
    pm_emitter_list_begin(&emitter, PM_EMITTER_LINES);
    for (unsigned i = 0; i < 2 * PM_EMITTER_MAX_DEPTH; i++)
        pm_emitter_i64(&emitter, INT64_MIN);
    pm_emitter_list_end(&emitter);
    for (unsigned i = 1; i < PM_EMITTER_MAX_DEPTH; i++)
        pm_emitter_dict_end(&emitter);
    pm_emitter_finish(&emitter);
}

static void assert_deep(const struct pm_buffer *out, const struct pm_buffer *text)
{
    /* jansson has no integer above INT64_MAX and reads such a number as a real. */
    json_t *root = json_loadb(out->bytes, out->length, JSON_DECODE_INT_AS_REAL, NULL), *dict = root;

    for (unsigned i = 1; i < PM_EMITTER_MAX_DEPTH; i++) {
        assert_int_equal(json_object_size(dict), 5);
        assert_true(json_real_value(json_object_get(dict, text->bytes)) == (double)UINT64_MAX);
        assert_true(json_real_value(json_object_get(dict, "least")) == (double)INT64_MIN);
        assert_string_equal(json_string_value(json_object_get(dict, "text")), text->bytes);
        assert_hex(json_string_value(json_object_get(dict, "hex")), text->bytes, text->length);
        dict = json_object_get(dict, "");
    }
    assert_int_equal(json_array_size(dict), 2 * PM_EMITTER_MAX_DEPTH);
    for (unsigned i = 0; i < 2 * PM_EMITTER_MAX_DEPTH; i++)
        assert_true(json_real_value(json_array_get(dict, i)) == (double)INT64_MIN);
    json_decref(root);
}

struct bounded {
    struct pm_buffer all;
    size_t chunk_bytes;
};

static void take_bounded(void *context, const char *bytes, size_t length)
{
    struct bounded *bounded = context;

    assert_int_equal(bytes[length], '\0');
    assert_true(length > 0 && length < bounded->chunk_bytes + 64);
    pm_buffer_add_bytes(&bounded->all, bytes, length);
}

/* Wherever a piece ends, in the plain part of a string or beside an escape, the output is the
   same. No piece grows with the strings. */
static void test_pieces_of_every_size(void **state)
{
    struct pm_buffer text, whole;
    struct pm_sink to_whole = pm_fixture_sink(&whole);
    (void)state;

    pm_buffer_init(&text);
    pm_buffer_init(&whole);
    for (unsigned i = 0; i < 12; i++) {
        pm_buffer_add_repeated(&text, 'x', i);
        pm_buffer_add_text(&text, "\"\\\n\x01\x7f\xc3\xa9\xf0\x9f\x90\x8d");
    }
    emit_deep(&to_whole, 1 << 20, &text);
    assert_deep(&whole, &text);
    for (size_t chunk_bytes = 1; chunk_bytes < 300; chunk_bytes++) {
        struct bounded bounded = { .chunk_bytes = chunk_bytes };
        struct pm_sink sink = { take_bounded, &bounded };
        pm_buffer_init(&bounded.all);
        emit_deep(&sink, chunk_bytes, &text);
        assert_string_equal(bounded.all.bytes, whole.bytes);
        pm_buffer_release(&bounded.all);
    }
    pm_buffer_release(&whole);
    pm_buffer_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_short_string),
        cmocka_unit_test(test_random_strings),
        cmocka_unit_test(test_shown_form_of_bad_bytes),
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_pieces_make_the_same_whole),
        cmocka_unit_test(test_wrapped_list_has_no_long_lines),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_many_items_at_once),
        cmocka_unit_test(test_digits),
        cmocka_unit_test(test_pieces_of_every_size),
    };
    return pm_random_verdict(cmocka_run_group_tests(tests, NULL, NULL));
}
