/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The functions that libFuzzer calls. -DPM_FUZZ_TARGET names the target. */
#include <string.h>

#include "pm_fuzz.h"

size_t LLVMFuzzerMutate(u8 *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max_size, unsigned seed);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/* libFuzzer's own mutations seldom make one object point to another, so half of them are ours. */
size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max_size, unsigned seed)
{
    struct pm_random random = { seed };

    if (!PM_FUZZ_TARGET.image || pm_random_below(&random, 2) == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    for (u64 i = 1 + pm_random_below(&random, 4); i > 0; i--)
        pm_fuzz_redirect(&random, data, size);
    return size;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    PM_FUZZ_TARGET.attempt(data, size);
    return 0;
}
