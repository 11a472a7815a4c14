/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How far apart snapshots are: the value of --snapshot-every=. */
#ifndef PM_PACE_H
#define PM_PACE_H

#include "base/pm_types.h"

#define PM_PACE_EXPECTED "a whole number from 1 and one of B, kB, MB, GB, allocs, s: 50MB, 1000000allocs, 30s"

enum pm_pace_unit {
    PM_PACE_NONE,               /* the option was not given */
    PM_PACE_BYTES,              /* allocated so far */
    PM_PACE_ALLOCS,
    PM_PACE_MS,
};

struct pm_pace {
    enum pm_pace_unit unit;
    u64 distance;
};

/* Reads "50MB", "1000000allocs" or "30s"; false if text is no such thing. */
bool pm_pace_parse(const char *text, struct pm_pace *pace);

#endif
