/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Patterns against a matcher that tries every way, and cases by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "base/pm_pattern.h"
#include "base/pm_platform.h"
#include "pm_random.h"

enum { ROUNDS = 200000, MOST = 10 };

static bool naive(const char *pattern, size_t p, const char *text, size_t t)
{
    if (p == 0)
        return t == 0;
    if (*pattern == '*')
        return naive(pattern + 1, p - 1, text, t) || (t > 0 && naive(pattern, p, text + 1, t - 1));
    return t > 0 && (*pattern == '?' || *pattern == *text)
        && naive(pattern + 1, p - 1, text + 1, t - 1);
}

static size_t fill(struct pm_random *random, char *bytes, const char *letters)
{
    size_t length = pm_random_below(random, MOST + 1);
    for (size_t i = 0; i < length; i++)
        bytes[i] = letters[pm_random_below(random, strlen(letters))];
    return length;
}

/* In memory of just that size, so that a byte too many is seen. */
static char *exact(const char *bytes, size_t length)
{
    char *copy = malloc(length + 1);
    memcpy(copy, bytes, length);
    return realloc(copy, length == 0 ? 1 : length);
}

static void test_random(void **state)
{
    struct pm_random random = pm_random_start();
    unsigned matched = 0;

    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        char pattern[MOST], text[MOST];
        size_t p = fill(&random, pattern, round % 2 ? "ab*?" : "a**b?"), t = fill(&random, text, "ab");
        char *exact_pattern = exact(pattern, p), *exact_text = exact(text, t);
        bool expected = naive(pattern, p, text, t);
        assert_int_equal(pm_pattern_matches(exact_pattern, p, exact_text, t), expected);
        matched += expected;
        free(exact_pattern);
        free(exact_text);
    }
    assert_in_range(matched, ROUNDS / 100, ROUNDS / 2);
}

static void test_random_end(void **state)
{
    struct pm_random random = pm_random_start();

    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        char pattern[MOST], text[MOST];
        size_t p = fill(&random, pattern, "a/*"), t = fill(&random, text, "ab/");
        bool expected = naive(pattern, p, text, t);
        for (size_t i = 0; i < t; i++)
            expected = expected || (text[i] == '/' && naive(pattern, p, text + i + 1, t - i - 1));
        assert_int_equal(pm_pattern_matches_end(pattern, p, text, t, '/'), expected);
    }
}

static bool object(const char *pattern, const char *path)
{
    return pm_pattern_matches_object(pattern, strlen(pattern), path, strlen(path));
}

static void test_objects(void **state)
{
    (void)state;
    assert_true(object("_ext.so", "/usr/lib/pkg/_ext.so"));
    assert_true(object("_ext.so", "_ext.so"));
    assert_true(object("_ext.so", "/x/_ext.cpython-311-x86_64-linux-gnu.so"));
    assert_true(object("_ext.cpython-311-*.so", "/x/_ext.cpython-311-x86_64-linux-gnu.so"));
    assert_true(object("pkg/_ext.so", "/x/pkg/_ext.abi3.so"));
    assert_true(object("/x/pkg/_ext.so", "/x/pkg/_ext.cpython-39-x86_64-linux-gnu.so"));
    assert_true(object("*numpy*", "/x/numpy/core/_multiarray.so"));
    assert_true(object("libc.so.6", "/lib/libc.so.6"));
    assert_false(object("_ext.so", "/x/my_ext.so"));
    assert_false(object("_ext.so", "/x/_ext.other.so"));
    assert_false(object("_ext.so", "/x/_ext.cpython-311.so/libx.so"));
    assert_false(object("_ext.so", ".so"));
    assert_false(object("_ext.so", ""));
    assert_false(object(".so", "/x/cpython-311-x.so"));
    assert_true(object(".so", "/x/.cpython-311-x.so"));
}

/* Many stars against a long text that does not match must not take for ever. */
static void test_cost(void **state)
{
    enum { LONG = 100000 };
    char *text = malloc(LONG);

    (void)state;
    memset(text, 'a', LONG);
    const char pattern[] = "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b";
    assert_false(pm_pattern_matches(pattern, sizeof pattern - 1, text, LONG));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_random_end),
        cmocka_unit_test(test_objects),
        cmocka_unit_test(test_cost),
    };
    return pm_random_verdict(cmocka_run_group_tests(tests, NULL, NULL));
}
