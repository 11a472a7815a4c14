/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts of sizes in powers of two.

   Bin 0 holds the value 0; bin k, for k >= 1, holds [2^(k-1), 2^k). So the row labelled 1024
   is bin 11 and holds 1024..2047. Only bins with a count take memory, and a single one needs
   none beside the struct: most stacks request one size. */
#ifndef PM_HISTOGRAM_H
#define PM_HISTOGRAM_H

#include "base/pm_types.h"

#define PM_HISTOGRAM_BINS 64

struct pm_histogram {
    u64 present;            /* bit k: bin k has a count */
    union {
        u64 single_count;           /* the count, if one bit is set */
        u64 *counts;        /* else one count for each set bit, lowest bin first */
    };
};

static inline unsigned pm_histogram_bin(u64 value)
{
    return value == 0 ? 0 : 64 - (unsigned)__builtin_clzll(value);
}

/* The same for a request for memory. 2^63 and more would be bin 64, but no request is that
   large. */
static inline unsigned pm_histogram_bin_of_request(u64 bytes)
{
    unsigned bin = pm_histogram_bin(bytes);
    return bin < PM_HISTOGRAM_BINS ? bin : PM_HISTOGRAM_BINS - 1;
}

/* The label of a row: the least value in bin. */
static inline u64 pm_histogram_bin_value(unsigned bin)
{
    return bin == 0 ? 0 : (u64)1 << (bin - 1);
}

void pm_histogram_init(struct pm_histogram *histogram);
void pm_histogram_release(struct pm_histogram *histogram);
/* Adds times occurrences of value. */
void pm_histogram_add(struct pm_histogram *histogram, u64 value, u64 times);
void pm_histogram_add_bin(struct pm_histogram *histogram, unsigned bin, u64 times);
/* Adds all of from to histogram. */
void pm_histogram_merge(struct pm_histogram *histogram, const struct pm_histogram *from);
u64 pm_histogram_count(const struct pm_histogram *histogram, unsigned bin);
/* The lowest bin from bin on that has a count; PM_HISTOGRAM_BINS if there is none. */
unsigned pm_histogram_next(const struct pm_histogram *histogram, unsigned bin);

#endif
