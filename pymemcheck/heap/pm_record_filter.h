/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --only-object=, --only-file= and --only-phase=: filters loss records by the frames of their stacks, and by when their
   blocks were allocated. */
#ifndef PM_RECORD_FILTER_H
#define PM_RECORD_FILTER_H

#include "base/pm_types.h"
#include "heap/pm_losses.h"
#include "heap/pm_tables.h"

#define PM_RECORD_FILTER_MOST 16     /* patterns of each kind */
#define PM_RECORD_FILTER_PHASE(phase) (1u << (phase))

struct pm_record_filter {
    const char *objects[PM_RECORD_FILTER_MOST], *files[PM_RECORD_FILTER_MOST];    /* patterns; owned by the caller */
    u32 object_count, file_count;
    u32 phases;                 /* PM_RECORD_FILTER_PHASE bits; 0: all */
};

/* Whether the record's stack has a native frame in one of the objects (pm_pattern_matches_object), and
   a Python frame in one of the files (a pattern of trailing parts of the path), and one of its blocks or
   more is of one of the phases. A kind without patterns accepts every record. An object in static memory
   was never allocated: the phases accept it. */
bool pm_record_filter_accepts(const struct pm_record_filter *filter, const struct pm_tables *tables,
                              const struct pm_loss *loss);

/* Reads words separated by commas ("import,main") into *phases. False: a word is unknown, or there is none;
   *phases is unchanged then. */
bool pm_record_filter_parse_phases(const char *text, u32 *phases);

#endif
