/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heap/pm_histogram.h"

#include "base/pm_platform.h"

void pm_histogram_init(struct pm_histogram *histogram)
{
    *histogram = (struct pm_histogram){ 0 };
}

void pm_histogram_release(struct pm_histogram *histogram)
{
    pm_free(histogram->counts);
    pm_histogram_init(histogram);
}

/* How many bins below bin were hit: bin's place in counts. */
static unsigned rank(const struct pm_histogram *histogram, unsigned bin)
{
    return (unsigned)__builtin_popcountll(histogram->present & (((u64)1 << bin) - 1));
}

static void open_bin(struct pm_histogram *histogram, unsigned bin)
{
    unsigned count = (unsigned)__builtin_popcountll(histogram->present);
    unsigned place = rank(histogram, bin);

    histogram->counts = pm_realloc("pm.histogram", histogram->counts,
                                   (count + 1) * sizeof *histogram->counts);
    pm_move(histogram->counts + place + 1, histogram->counts + place,
            (count - place) * sizeof *histogram->counts);
    histogram->counts[place] = 0;
    histogram->present |= (u64)1 << bin;
}

void pm_histogram_add_bin(struct pm_histogram *histogram, unsigned bin, u64 times)
{
    PM_ASSERT(bin < PM_HISTOGRAM_BINS);
    if (!(histogram->present >> bin & 1))
        open_bin(histogram, bin);
    histogram->counts[rank(histogram, bin)] += times;
}

void pm_histogram_add(struct pm_histogram *histogram, u64 value, u64 times)
{
    unsigned bin = pm_histogram_bin(value);

    /* 2^63 and more would be bin 64; no request is that large. */
    pm_histogram_add_bin(histogram, bin < PM_HISTOGRAM_BINS ? bin : PM_HISTOGRAM_BINS - 1, times);
}

void pm_histogram_merge(struct pm_histogram *histogram, const struct pm_histogram *from)
{
    u64 left = from->present;

    for (unsigned i = 0; left != 0; i++, left &= left - 1)
        pm_histogram_add_bin(histogram, (unsigned)__builtin_ctzll(left), from->counts[i]);
}

u64 pm_histogram_count(const struct pm_histogram *histogram, unsigned bin)
{
    if (bin >= PM_HISTOGRAM_BINS || !(histogram->present >> bin & 1))
        return 0;
    return histogram->counts[rank(histogram, bin)];
}
