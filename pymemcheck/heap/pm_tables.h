/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables that the ids in errors, stacks and frames refer to. A view: it owns nothing. */
#ifndef PM_TABLES_H
#define PM_TABLES_H

#include "base/pm_strings.h"
#include "heap/pm_frames.h"
#include "heap/pm_stacks.h"

struct pm_tables {
    const struct pm_strings *strings;
    const struct pm_frames *frames;
    const struct pm_stacks *stacks;
};

#endif
