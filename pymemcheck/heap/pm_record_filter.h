/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --only-object= and --only-file=: filters loss records by the frames of their stacks. */
#ifndef PM_RECORD_FILTER_H
#define PM_RECORD_FILTER_H

#include "base/pm_types.h"
#include "heap/pm_tables.h"

#define PM_RECORD_FILTER_MOST 16     /* patterns of each kind */

struct pm_record_filter {
    const char *objects[PM_RECORD_FILTER_MOST], *files[PM_RECORD_FILTER_MOST];    /* patterns; owned by the caller */
    u32 object_count, file_count;
};

/* Whether the stack has a native frame in one of the objects (pm_pattern_matches_object), and
   a Python frame in one of the files (a pattern of trailing parts of the path). A kind without
   patterns accepts every stack. */
bool pm_record_filter_accepts(const struct pm_record_filter *filter, const struct pm_tables *tables,
                              struct pm_stack_id stack);

#endif
