/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Filling and copying against the C library's, for all lengths up to some and all alignments. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "base/pm_bytes.h"
#include "pm_random.h"

enum { LONGEST = 700, ALIGNMENTS = 17, MARGIN = 16, ROOM = LONGEST + ALIGNMENTS + 2 * MARGIN };

static void randomise(struct pm_random *random, u8 *bytes)
{
    for (int i = 0; i < ROOM; i++)
        bytes[i] = (u8)pm_random_below(random, 256);
}

static void test_fill(void **state)
{
    struct pm_random random = pm_random_start();
    u8 ours[ROOM], theirs[ROOM];

    (void)state;
    randomise(&random, ours);
    memcpy(theirs, ours, sizeof ours);
    for (int length = 0; length <= LONGEST; length++) {
        for (int at = MARGIN; at < MARGIN + ALIGNMENTS; at++) {
            u8 value = (u8)pm_random_below(&random, 256);
            pm_bytes_fill(ours + at, value, (size_t)length);
            memset(theirs + at, value, (size_t)length);
            assert_memory_equal(ours, theirs, sizeof ours);
        }
    }
}

static void test_copy(void **state)
{
    struct pm_random random = pm_random_start();
    u8 from[ROOM], ours[ROOM], theirs[ROOM];

    (void)state;
    randomise(&random, from);
    randomise(&random, ours);
    memcpy(theirs, ours, sizeof ours);
    for (int length = 0; length <= LONGEST; length++) {
        for (int at = 0; at < ALIGNMENTS * ALIGNMENTS; at += 5) {
            const u8 *source = from + at / ALIGNMENTS;
            int to = MARGIN + at % ALIGNMENTS;
            pm_bytes_copy(ours + to, source, (size_t)length);
            memcpy(theirs + to, source, (size_t)length);
            assert_memory_equal(ours, theirs, sizeof ours);
        }
        from[pm_random_below(&random, ROOM)]++;
    }
}

/* To a lower address, by less than the length. */
static void test_overlapping_copy(void **state)
{
    struct pm_random random = pm_random_start();
    u8 ours[ROOM], theirs[ROOM];

    (void)state;
    for (int length = 0; length <= LONGEST; length++) {
        for (int back = 0; back <= MARGIN; back++) {
            int at = MARGIN + (int)pm_random_below(&random, ALIGNMENTS);
            randomise(&random, ours);
            memcpy(theirs, ours, sizeof ours);
            pm_bytes_copy(ours + at - back, ours + at, (size_t)length);
            memmove(theirs + at - back, theirs + at, (size_t)length);
            assert_memory_equal(ours, theirs, sizeof ours);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fill),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_overlapping_copy),
    };
    return pm_random_verdict(cmocka_run_group_tests(tests, NULL, NULL));
}
