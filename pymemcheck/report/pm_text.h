/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text report, for Valgrind's log: the heap summary, the histograms in the shape of
   DTrace's py_malloc.d, what is still allocated by Python line, and leaks. docs/report.md
   explains it to readers. Equal profiles give equal text. The writer is pm_text_format
   (report/pm_formats.h). */
#ifndef PM_TEXT_H
#define PM_TEXT_H

#include "base/pm_buffer.h"
#include "heap/pm_aggregate.h"
#include "heap/pm_profile.h"
#include "report/pm_sink.h"

/* The bit of pm_text_options.histograms that asks for a group's histograms. */
#define PM_TEXT_HISTOGRAM(group) (1u << (group))
#define PM_TEXT_ALL_HISTOGRAMS \
    (PM_TEXT_HISTOGRAM(PM_GROUP_CALLER) | PM_TEXT_HISTOGRAM(PM_GROUP_FUNCTION) \
     | PM_TEXT_HISTOGRAM(PM_GROUP_LINE) | PM_TEXT_HISTOGRAM(PM_GROUP_STACK))
#define PM_TEXT_DEFAULT_HISTOGRAM_TOP 3
#define PM_TEXT_DEFAULT_TABLE_TOP 5

enum pm_text_paths {
    PM_TEXT_PATHS_DEFAULT,  /* short in labels and tables, whole in stacks */
    PM_TEXT_PATHS_BASE,     /* short everywhere */
    PM_TEXT_PATHS_FULL,     /* whole everywhere */
};

/* All limits: 0 means none. */
struct pm_text_options {
    u32 histograms;             /* PM_TEXT_HISTOGRAM(...) bits */
    size_t histogram_top;       /* rows shown of each group, the largest ones */
    bool draw_histograms;       /* with bars; else a line for each row */
    size_t table_top;           /* rows shown of what is allocated at the peak and at exit */
    enum pm_text_paths paths;
    unsigned native_frames;     /* frames shown of each stack */
    unsigned python_frames;
    bool whole_stacks;          /* loss records also show the frames of the allocator and interpreter */
    /* Appends line number line of the Python source file to out; false if it cannot be read.
       May be NULL. */
    bool (*source_line)(void *context, const char *file, u32 line, struct pm_buffer *out);
    void *source_context;
};

#endif
