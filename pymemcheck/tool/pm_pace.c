/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tool/pm_pace.h"

#include "base/pm_platform.h"

/* A year of seconds, or 10^15 bytes or allocations, are more than any run has. */
enum { MOST_DIGITS = 15 };

bool pm_pace_parse(const char *text, struct pm_pace *pace)
{
    static const struct {
        const char *name;
        enum pm_pace_unit unit;
        u64 factor;
    } units[] = {
        { "B", PM_PACE_BYTES, 1 }, { "kB", PM_PACE_BYTES, 1000 }, { "MB", PM_PACE_BYTES, 1000000 },
        { "GB", PM_PACE_BYTES, 1000000000 }, { "allocs", PM_PACE_ALLOCS, 1 }, { "s", PM_PACE_MS, 1000 },
    };
    u64 number = 0;
    size_t digits = 0;

    for (; text[digits] >= '0' && text[digits] <= '9'; digits++) {
        if (digits == MOST_DIGITS)
            return false;
        number = number * 10 + (u64)(text[digits] - '0');
    }
    for (size_t i = 0; number > 0 && i < PM_ARRAY_LENGTH(units); i++) {
        if (!pm_text_equal(text + digits, units[i].name) || number > ~(u64)0 / units[i].factor)
            continue;
        *pace = (struct pm_pace){ units[i].unit, number * units[i].factor };
        return true;
    }
    return false;
}
