/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/pm_grow.h"

#include "base/pm_platform.h"

void *pm_grow(const char *tag, void *array, u32 *capacity, u32 number, size_t element_bytes)
{
    enum { MORE = 16 };
    const u64 wanted = (u64)number + number / 2 + MORE;
    const u32 grown = wanted < UINT32_MAX ? (u32)wanted : UINT32_MAX;

    PM_ASSERT(number < grown);
    array = pm_realloc(tag, array, grown * element_bytes);
    pm_zero((char *)array + *capacity * element_bytes, (grown - *capacity) * element_bytes);
    *capacity = grown;
    return array;
}
