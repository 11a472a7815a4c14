/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random numbers for tests against a model. The same numbers come in every run,
   unless the environment variable PM_TEST_SEED holds another seed (a number).
   A main that ends with pm_random_verdict names the seed when a test failed. */
#ifndef PM_RANDOM_H
#define PM_RANDOM_H

#include <stdio.h>
#include <stdlib.h>

#include "base/pm_types.h"

struct pm_random {
    u64 state;
};

static inline u64 pm_random_seed(void)
{
    const char *text = getenv("PM_TEST_SEED");
    return text != NULL ? strtoull(text, NULL, 0) : 20240229;
}

static inline struct pm_random pm_random_start(void)
{
    return (struct pm_random){ pm_random_seed() };
}

/* SplitMix64 (Steele, Lea, Flood 2014). */
static inline u64 pm_random_u64(struct pm_random *random)
{
    u64 z = random->state += 0x9e3779b97f4a7c15ull;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

/* A number below end, which is not 0. */
static inline u64 pm_random_below(struct pm_random *random, u64 end)
{
    return pm_random_u64(random) % end;
}

/* A number with each count of bits, from 0 to 64, equally often. */
static inline u64 pm_random_any_size(struct pm_random *random)
{
    u64 bits = pm_random_below(random, 65);
    return bits == 0 ? 0 : pm_random_u64(random) >> (64 - bits);
}

/* The status main returns, given what cmocka returned. */
static inline int pm_random_verdict(int failed)
{
    if (failed != 0)
        fprintf(stderr, "the seed was PM_TEST_SEED=%llu\n", (unsigned long long)pm_random_seed());
    return failed;
}

#endif
