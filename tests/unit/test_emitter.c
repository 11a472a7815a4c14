/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The JSON emitter against jansson, which reads what it wrote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "pm_fixture.h"
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

/* jansson makes a string only of bytes that are UTF-8 without surrogates. */
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

/* Bytes at the limits of what UTF-8 allows, in any order. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_short_string),
        cmocka_unit_test(test_random_strings),
        cmocka_unit_test(test_shown_form_of_bad_bytes),
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_pieces_make_the_same_whole),
        cmocka_unit_test(test_wrapped_list_has_no_long_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
