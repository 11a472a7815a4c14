/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --trace-file-filter= and its kin: which events the event log has, by the frames of the stack that asked,
   the size of the request and the thread. What no filter is given for accepts all. */
#ifndef PM_EVENT_FILTER_H
#define PM_EVENT_FILTER_H

#include "base/pm_types.h"
#include "heap/pm_tables.h"

#define PM_EVENT_FILTER_MOST 16     /* of each kind */

struct pm_event_patterns {
    const char *patterns[PM_EVENT_FILTER_MOST];     /* owned by the caller */
    u32 count;
};

struct pm_event_filter {
    struct pm_event_patterns files, functions, objects;
    u64 least_bytes, most_bytes;
    u32 threads[PM_EVENT_FILTER_MOST];      /* in the order in which they began, from 1 */
    u32 thread_count;
};

/* Accepts everything. */
void pm_event_filter_init(struct pm_event_filter *filter);

/* Whether it accepts everything. */
bool pm_event_filter_is_empty(const struct pm_event_filter *filter);

/* What frames of a stack matched so far: one of the files, the functions, the objects. Kinds that are not given are
   matched from the start. */
struct pm_event_match {
    bool file, function, object;
};

struct pm_event_match pm_event_filter_begin(const struct pm_event_filter *filter);

/* Adds what one more frame matches. */
void pm_event_filter_match(const struct pm_event_filter *filter, const struct pm_tables *tables, struct pm_frame_id frame,
                           struct pm_event_match *match);

/* Whether the stack has a Python frame in one of the files (a pattern of trailing parts of the path), a
   frame of one of the functions (a pattern of trailing parts of a qualified Python name, or of a C name),
   and a native frame in one of the objects (pm_pattern_matches_object). Cost: the stack's length times the
   patterns; remember the answer. */
bool pm_event_filter_accepts_stack(const struct pm_event_filter *filter, const struct pm_tables *tables,
                                   struct pm_stack_id stack);

bool pm_event_filter_accepts_bytes(const struct pm_event_filter *filter, u64 bytes);
bool pm_event_filter_accepts_thread(const struct pm_event_filter *filter, u32 thread);

#endif
