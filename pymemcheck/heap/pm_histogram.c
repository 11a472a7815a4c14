/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heap/pm_histogram.h"

#include "base/pm_platform.h"

void pm_histogram_init(struct pm_histogram *histogram)
{
    *histogram = (struct pm_histogram){ 0 };
}

/* Whether the counts are in an array of their own. */
static bool has_array(const struct pm_histogram *histogram)
{
    return (histogram->present & (histogram->present - 1)) != 0;
}

void pm_histogram_release(struct pm_histogram *histogram)
{
    if (has_array(histogram))
        pm_free(histogram->counts);
    pm_histogram_init(histogram);
}

/* How many bins below bin have a count: bin's place in counts. */
static unsigned rank(const struct pm_histogram *histogram, unsigned bin)
{
    return (unsigned)__builtin_popcountll(histogram->present & (((u64)1 << bin) - 1));
}

static void open_bin(struct pm_histogram *histogram, unsigned bin)
{
    unsigned count = (unsigned)__builtin_popcountll(histogram->present);
    unsigned place = rank(histogram, bin);
    u64 *counts;

    if (count == 0) {
        histogram->single_count = 0;
    } else {
        counts = pm_realloc("pm.histogram", has_array(histogram) ? histogram->counts : NULL,
                            (count + 1) * sizeof *counts);
        if (count == 1)
            counts[0] = histogram->single_count;
        pm_move(counts + place + 1, counts + place, (count - place) * sizeof *counts);
        counts[place] = 0;
        histogram->counts = counts;
    }
    histogram->present |= (u64)1 << bin;
}

static u64 *count_of(struct pm_histogram *histogram, unsigned bin)
{
    return has_array(histogram) ? &histogram->counts[rank(histogram, bin)] : &histogram->single_count;
}

void pm_histogram_add_bin(struct pm_histogram *histogram, unsigned bin, u64 times)
{
    PM_ASSERT(bin < PM_HISTOGRAM_BINS);
    if (!(histogram->present >> bin & 1))
        open_bin(histogram, bin);
    *count_of(histogram, bin) += times;
}

void pm_histogram_add(struct pm_histogram *histogram, u64 value, u64 times)
{
    pm_histogram_add_bin(histogram, pm_histogram_bin_of_request(value), times);
}

void pm_histogram_merge(struct pm_histogram *histogram, const struct pm_histogram *from)
{
    for (unsigned bin = pm_histogram_next(from, 0); bin < PM_HISTOGRAM_BINS;
            bin = pm_histogram_next(from, bin + 1))
        pm_histogram_add_bin(histogram, bin, pm_histogram_count(from, bin));
}

u64 pm_histogram_count(const struct pm_histogram *histogram, unsigned bin)
{
    if (bin >= PM_HISTOGRAM_BINS || !(histogram->present >> bin & 1))
        return 0;
    return has_array(histogram) ? histogram->counts[rank(histogram, bin)] : histogram->single_count;
}

unsigned pm_histogram_next(const struct pm_histogram *histogram, unsigned bin)
{
    u64 left = bin < PM_HISTOGRAM_BINS ? histogram->present >> bin << bin : 0;
    return left != 0 ? (unsigned)__builtin_ctzll(left) : PM_HISTOGRAM_BINS;
}
