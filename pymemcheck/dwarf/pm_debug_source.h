/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sections with debug information, and where they come from. */
#ifndef PM_DEBUG_SOURCE_H
#define PM_DEBUG_SOURCE_H

#include "dwarf/pm_cursor.h"

enum pm_debug_section {
    PM_DEBUG_LINE,
    PM_DEBUG_LINE_STR,
    PM_DEBUG_STR,
    PM_DEBUG_INFO,
    PM_DEBUG_ABBREV,
    PM_DEBUG_STR_ALT,   /* .debug_str of the file that several files share (dwz) */
    PM_DEBUG_SECTIONS,
};

/* Where sections come from. Each is asked for when it is needed; the largest one, .debug_info, is
   needed for DWARF 2 to 4 only. */
struct pm_debug_source {
    /* The decompressed contents, valid as long as the source; empty if there is no such section. */
    struct pm_bytes (*section)(void *context, enum pm_debug_section section);
    void *context;
};

static inline struct pm_bytes pm_debug_section_of(const struct pm_debug_source *source,
                                                  enum pm_debug_section section)
{
    return source->section(source->context, section);
}

#endif
