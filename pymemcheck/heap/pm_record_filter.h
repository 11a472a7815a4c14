/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --only-object= and --only-file=: which loss records a user cares for, by what
   their stacks pass through. */
#ifndef PM_RECORD_FILTER_H
#define PM_RECORD_FILTER_H

#include "base/pm_strings.h"
#include "base/pm_types.h"
#include "heap/pm_frames.h"
#include "heap/pm_stacks.h"

#define PM_RECORD_FILTER_MOST 16     /* patterns of each kind */

struct pm_record_filter {
    const char *objects[PM_RECORD_FILTER_MOST], *files[PM_RECORD_FILTER_MOST];    /* patterns; the caller's texts */
    u32 object_count, file_count;
};

static inline bool pm_record_filter_is_set(const struct pm_record_filter *only)
{
    return only->object_count + only->file_count > 0;
}

/* Whether the stack has a native frame in one of the objects (pm_pattern_matches_object), and a
   Python frame in one of the files (a pattern of trailing parts of the path); a kind without patterns
   asks for nothing. */
bool pm_record_filter_accepts(const struct pm_record_filter *only, const struct pm_strings *strings,
                   const struct pm_frames *frames, const struct pm_stacks *stacks,
                   struct pm_stack_id stack);

#endif
