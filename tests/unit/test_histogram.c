/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The histogram, compared with an array of 64 counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "heap/pm_histogram.h"
#include "pm_random.h"

struct modelled_histogram {
    struct pm_histogram histogram;
    u64 counts[PM_HISTOGRAM_BINS];
};

/* The row of value, found by doubling: the last one whose label is at most value. */
static unsigned row_of(u64 value)
{
    u64 label = 1;
    unsigned row = 1;

    if (value == 0)
        return 0;
    while (row + 1 < PM_HISTOGRAM_BINS && label * 2 <= value) {
        label *= 2;
        row++;
    }
    return row;
}

static void add(struct modelled_histogram *modelled, u64 value, u64 times)
{
    pm_histogram_add(&modelled->histogram, value, times);
    modelled->counts[row_of(value)] += times;
}

static void check(const struct modelled_histogram *modelled)
{
    unsigned next = pm_histogram_next(&modelled->histogram, 0);

    for (unsigned bin = 0; bin < PM_HISTOGRAM_BINS; bin++) {
        assert_int_equal(pm_histogram_count(&modelled->histogram, bin), modelled->counts[bin]);
        if (modelled->counts[bin] != 0) {
            assert_int_equal(next, bin);
            next = pm_histogram_next(&modelled->histogram, bin + 1);
        }
    }
    assert_int_equal(next, PM_HISTOGRAM_BINS);
    assert_int_equal(pm_histogram_count(&modelled->histogram, PM_HISTOGRAM_BINS), 0);
    assert_int_equal(pm_histogram_next(&modelled->histogram, PM_HISTOGRAM_BINS), PM_HISTOGRAM_BINS);
}

static void test_bins(void **state)
{
    (void)state;
    assert_int_equal(pm_histogram_bin(0), 0);
    assert_int_equal(pm_histogram_bin_value(0), 0);
    for (unsigned k = 0; k < 63; k++) {
        u64 power = (u64)1 << k;
        assert_int_equal(pm_histogram_bin(power), k + 1);
        assert_int_equal(pm_histogram_bin(power * 2 - 1), k + 1);
        assert_int_equal(pm_histogram_bin_value(k + 1), power);
    }
    assert_int_equal(pm_histogram_bin_value(pm_histogram_bin(1477)), 1024);
    assert_int_equal(pm_histogram_bin_value(pm_histogram_bin(177)), 128);
}

/* Values of 2^63 and above have no row of their own and count in the last. */
static void test_extreme_values(void **state)
{
    static const u64 values[] = {
        0, 1, 2, 3, 1023, 1024, 2047, ((u64)1 << 62) - 1, (u64)1 << 62,
        ((u64)1 << 63) - 1, (u64)1 << 63, UINT64_MAX,
    };
    struct modelled_histogram modelled = { 0 };

    (void)state;
    pm_histogram_init(&modelled.histogram);
    check(&modelled);
    for (size_t i = 0; i < PM_ARRAY_LENGTH(values); i++) {
        add(&modelled, values[i], i + 1);
        check(&modelled);
    }
    assert_int_equal(pm_histogram_count(&modelled.histogram, 63), 9 + 10 + 11 + 12);
    assert_int_equal(pm_histogram_count(&modelled.histogram, 62), 8);
    pm_histogram_release(&modelled.histogram);
    assert_int_equal(pm_histogram_next(&modelled.histogram, 0), PM_HISTOGRAM_BINS);
}

/* One bin takes no memory: its count is in the histogram itself. */
static void test_one_bin(void **state)
{
    (void)state;
    for (unsigned bin = 0; bin < PM_HISTOGRAM_BINS; bin++) {
        struct pm_histogram histogram;
        pm_histogram_init(&histogram);
        for (int i = 0; i < 3; i++)
            pm_histogram_add(&histogram, pm_histogram_bin_value(bin), 5);
        assert_int_equal(histogram.present, (u64)1 << bin);
        assert_int_equal(histogram.single_count, 15);
        assert_int_equal(pm_histogram_count(&histogram, bin), 15);
        pm_histogram_release(&histogram);
    }
    assert_int_equal(sizeof(struct pm_histogram), 16);
}

/* Every pair of bins in either order: the first count moves into an array. */
static void test_second_bin(void **state)
{
    (void)state;
    for (unsigned first = 0; first < PM_HISTOGRAM_BINS; first++)
        for (unsigned second = 0; second < PM_HISTOGRAM_BINS; second++) {
            struct modelled_histogram modelled = { 0 };
            pm_histogram_init(&modelled.histogram);
            add(&modelled, pm_histogram_bin_value(first), 3);
            add(&modelled, pm_histogram_bin_value(second), UINT64_MAX - 7);
            check(&modelled);
            pm_histogram_release(&modelled.histogram);
        }
}

static u64 random_value(struct pm_random *random, u64 bins)
{
    u64 bin = pm_random_below(random, PM_HISTOGRAM_BINS);
    u64 value = pm_histogram_bin_value((unsigned)(bin % bins));

    return value < 2 ? value : value + pm_random_below(random, value);
}

static void test_random_values(void **state)
{
    struct pm_random random = pm_random_start();

    (void)state;
    for (int round = 0; round < 300; round++) {
        struct modelled_histogram modelled = { 0 };
        u64 bins = 1 + pm_random_below(&random, PM_HISTOGRAM_BINS);
        pm_histogram_init(&modelled.histogram);
        for (int i = 0; i < 150; i++) {
            add(&modelled, random_value(&random, bins), pm_random_below(&random, 1000) + 1);
            check(&modelled);
        }
        pm_histogram_release(&modelled.histogram);
    }
}

/* Sums of any two histograms, also empty ones and ones with a single bin. The other stays
   unchanged. */
static void test_merge(void **state)
{
    struct pm_random random = pm_random_start();

    (void)state;
    for (int round = 0; round < 20000; round++) {
        struct modelled_histogram to = { 0 }, from = { 0 };
        pm_histogram_init(&to.histogram);
        pm_histogram_init(&from.histogram);
        for (u64 i = pm_random_below(&random, 4) * pm_random_below(&random, 8); i > 0; i--)
            add(&to, random_value(&random, PM_HISTOGRAM_BINS), i);
        for (u64 i = pm_random_below(&random, 4) * pm_random_below(&random, 8); i > 0; i--)
            add(&from, random_value(&random, PM_HISTOGRAM_BINS), i);
        pm_histogram_merge(&to.histogram, &from.histogram);
        for (unsigned bin = 0; bin < PM_HISTOGRAM_BINS; bin++)
            to.counts[bin] += from.counts[bin];
        check(&to);
        check(&from);
        pm_histogram_release(&to.histogram);
        check(&from);
        pm_histogram_release(&from.histogram);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bins),
        cmocka_unit_test(test_extreme_values),
        cmocka_unit_test(test_one_bin),
        cmocka_unit_test(test_second_bin),
        cmocka_unit_test(test_random_values),
        cmocka_unit_test(test_merge),
    };
    return pm_random_verdict(cmocka_run_group_tests(tests, NULL, NULL));
}
