/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The monitor command top: what holds most memory now, by Python line, function or type. */
#ifndef PM_TOP_H
#define PM_TOP_H

#include "base/pm_types.h"

struct pm_run;
struct pm_text;

enum pm_top_group {
    PM_TOP_LINE,
    PM_TOP_FUNCTION,
    PM_TOP_TYPE,
};

/* Writes the most largest rows; 0: all. Cost: a look at each site; for types at each live block, three times. */
void pm_top_write(struct pm_run *run, struct pm_text *text, enum pm_top_group group, u64 most);

#endif
