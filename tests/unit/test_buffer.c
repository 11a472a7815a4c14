/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The byte buffer against libc: snprintf for numbers, iconv for UTF-8. */
#include <iconv.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "base/pm_buffer.h"
#include "pm_random.h"

static void expect(struct pm_buffer *buffer, const char *text)
{
    assert_string_equal(buffer->bytes, text);
    assert_int_equal(buffer->length, strlen(text));
    assert_true(buffer->capacity > buffer->length);
    pm_buffer_clear(buffer);
    assert_int_equal(buffer->length, 0);
    assert_string_equal(buffer->bytes, "");
}

/* Commas put into what snprintf wrote. */
static void group(u64 value, char out[32])
{
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, value), n = 0;

    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            out[n++] = ',';
        out[n++] = digits[i];
    }
    out[n] = '\0';
}

static void check_number(struct pm_buffer *buffer, u64 value)
{
    char text[32];

    snprintf(text, sizeof text, "%" PRIu64, value);
    pm_buffer_add_u64(buffer, value);
    expect(buffer, text);
    snprintf(text, sizeof text, "%" PRId64, (i64)value);
    pm_buffer_add_i64(buffer, (i64)value);
    expect(buffer, text);
    snprintf(text, sizeof text, "%" PRIx64, value);
    pm_buffer_add_hex(buffer, value);
    expect(buffer, text);
    group(value, text);
    pm_buffer_add_u64_grouped(buffer, value);
    expect(buffer, text);
    for (int width = 0; width < 24; width += 5) {
        snprintf(text, sizeof text, "%*" PRIu64, width, value);
        pm_buffer_add_u64_right(buffer, value, (size_t)width);
        expect(buffer, text);
    }
}

static void test_numbers(void **state)
{
    struct pm_random random = pm_random_start();
    struct pm_buffer buffer;

    (void)state;
    pm_buffer_init(&buffer);
    for (unsigned bit = 0; bit < 64; bit++)
        for (int near = -1; near <= 1; near++)
            check_number(&buffer, ((u64)1 << bit) + (u64)(i64)near);
    for (u64 power = 1; power < UINT64_MAX / 10; power *= 10)
        for (int near = -1; near <= 1; near++)
            check_number(&buffer, power + (u64)(i64)near);
    for (int i = 0; i < 20000; i++)
        check_number(&buffer, pm_random_any_size(&random));
    pm_buffer_release(&buffer);
}

/* So that the grouping above cannot be wrong in the same way as the buffer's. */
static void test_extreme_numbers(void **state)
{
    struct pm_buffer buffer;

    (void)state;
    pm_buffer_init(&buffer);
    pm_buffer_add_u64(&buffer, UINT64_MAX);
    expect(&buffer, "18446744073709551615");
    pm_buffer_add_i64(&buffer, INT64_MIN);
    expect(&buffer, "-9223372036854775808");
    pm_buffer_add_hex(&buffer, UINT64_MAX);
    expect(&buffer, "ffffffffffffffff");
    pm_buffer_add_u64_grouped(&buffer, UINT64_MAX);
    expect(&buffer, "18,446,744,073,709,551,615");
    pm_buffer_add_u64_grouped(&buffer, 0);
    pm_buffer_add_char(&buffer, ' ');
    pm_buffer_add_u64_grouped(&buffer, 999);
    pm_buffer_add_char(&buffer, ' ');
    pm_buffer_add_u64_grouped(&buffer, 1000);
    pm_buffer_add_char(&buffer, ' ');
    pm_buffer_add_u64_grouped(&buffer, 1234567);
    expect(&buffer, "0 999 1,000 1,234,567");
    pm_buffer_release(&buffer);
}

static void test_columns(void **state)
{
    struct pm_buffer buffer;

    (void)state;
    pm_buffer_init(&buffer);
    pm_buffer_add_left(&buffer, "abc", 6);
    pm_buffer_add_char(&buffer, '|');
    expect(&buffer, "abc   |");
    pm_buffer_add_left(&buffer, "abcdef", 6);
    pm_buffer_add_left(&buffer, "abcdefg", 6);
    pm_buffer_add_left(&buffer, "", 2);
    pm_buffer_add_left(&buffer, "", 0);
    pm_buffer_add_char(&buffer, '|');
    expect(&buffer, "abcdefabcdefg  |");
    /* Two, three and four bytes for one column each. */
    pm_buffer_add_left(&buffer, "na\xc3\xafve", 7);
    pm_buffer_add_char(&buffer, '|');
    expect(&buffer, "na\xc3\xafve  |");
    pm_buffer_add_left(&buffer, "\xe2\x82\xac\xf0\x9f\x90\x8d", 3);
    pm_buffer_add_char(&buffer, '|');
    expect(&buffer, "\xe2\x82\xac\xf0\x9f\x90\x8d |");
    pm_buffer_add_repeated(&buffer, '@', 40);
    pm_buffer_add_repeated(&buffer, 'x', 0);
    expect(&buffer, "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@");
    pm_buffer_release(&buffer);
}

/* Every code point there is but the surrogates, which iconv refuses. */
static void test_utf8(void **state)
{
    enum { CODE_POINTS = 0x110000, FIRST_SURROGATE = 0xd800, AFTER_SURROGATES = 0xe000 };
    u32 *all = calloc(CODE_POINTS, sizeof *all);
    char *expected = malloc(4 * CODE_POINTS), *in = (char *)all, *out = expected;
    size_t in_left = 0, out_left = 4 * CODE_POINTS;
    struct pm_buffer buffer;
    iconv_t converter = iconv_open("UTF-8", "UCS-4LE");

    (void)state;
    assert_true(converter != (iconv_t)-1);
    pm_buffer_init(&buffer);
    for (u32 c = 0; c < CODE_POINTS; c++)
        if (c < FIRST_SURROGATE || c >= AFTER_SURROGATES) {
            all[in_left++] = c;
            pm_buffer_add_utf8(&buffer, c);
        }
    in_left *= sizeof *all;
    assert_int_equal(iconv(converter, &in, &in_left, &out, &out_left), 0);
    assert_int_equal(in_left, 0);
    assert_int_equal(buffer.length, out - expected);
    assert_memory_equal(buffer.bytes, expected, buffer.length);
    pm_buffer_clear(&buffer);
    pm_buffer_add_utf8(&buffer, 0xd800);
    pm_buffer_add_utf8(&buffer, 0xdfff);
    expect(&buffer, "\xed\xa0\x80\xed\xbf\xbf");
    pm_buffer_release(&buffer);
    iconv_close(converter);
    free(expected);
    free(all);
}

/* Random pieces, NULs among them, against one large array; the buffer's memory is
   given back or kept between rounds. */
static void test_growth(void **state)
{
    enum { MOST = 1 << 20, PIECE = 3000 };
    struct pm_random random = pm_random_start();
    char *model = malloc(MOST), piece[PIECE];
    struct pm_buffer buffer;

    (void)state;
    pm_buffer_init(&buffer);
    for (int round = 0; round < 12; round++) {
        size_t length = 0;
        while (length + PIECE < MOST) {
            size_t bytes = pm_random_below(&random, PIECE);
            char fill = (char)pm_random_u64(&random);
            if (pm_random_below(&random, 2)) {
                pm_buffer_add_repeated(&buffer, fill, bytes);
                memset(model + length, fill, bytes);
            } else {
                for (size_t i = 0; i < bytes; i++)
                    piece[i] = (char)pm_random_u64(&random);
                pm_buffer_add_bytes(&buffer, piece, bytes);
                memcpy(model + length, piece, bytes);
            }
            length += bytes;
            assert_int_equal(buffer.length, length);
            assert_int_equal(buffer.bytes[length], '\0');
        }
        assert_memory_equal(buffer.bytes, model, length);
        if (round % 2) {
            pm_buffer_release(&buffer);
            pm_buffer_init(&buffer);
        } else {
            size_t capacity = buffer.capacity;
            pm_buffer_clear(&buffer);
            assert_int_equal(buffer.capacity, capacity);
        }
    }
    pm_buffer_add_bytes(&buffer, NULL, 0);
    expect(&buffer, "");
    pm_buffer_release(&buffer);
    free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_extreme_numbers),
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_growth),
    };
    return pm_random_verdict(cmocka_run_group_tests(tests, NULL, NULL));
}
