/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options of the event log, --trace and all that begin with it (docs/event-log.md). */
#ifndef PM_TRACE_OPTIONS_H
#define PM_TRACE_OPTIONS_H

#include "base/pm_types.h"
#include "heap/pm_event_filter.h"

/* What --trace= asks for: bits. */
enum pm_trace_part {
    PM_TRACE_PART_MALLOC = 1 << 0,
    PM_TRACE_PART_RAW = 1 << 1,
    PM_TRACE_PART_MEM = 1 << 2,
    PM_TRACE_PART_OBJECT = 1 << 3,
    PM_TRACE_PART_CALLS = 1 << 4,       /* --trace-calls=yes */
};
#define PM_TRACE_DOMAINS (PM_TRACE_PART_RAW | PM_TRACE_PART_MEM | PM_TRACE_PART_OBJECT)

/* Of --trace-limit=: room for the first lines and the note at the end. */
enum { PM_TRACE_LEAST_LIMIT = 4096 };

struct pm_trace_settings {
    u32 parts;                          /* enum pm_trace_part bits; 0: there is no event log */
    bool heaptrack;                     /* --trace-format=heaptrack */
    bool starts_off;                    /* --trace-start=no */
    const char *file;                   /* --trace-file=, not expanded; NULL: Valgrind's log */
    u64 limit_bytes;                    /* --trace-limit=; 0: none */
    struct pm_event_filter filter;      /* --trace-file-filter= and others */
};

/* For the usage text (tool/pm_options.c). */
#define PM_TRACE_USAGE                                                                                  \
"    --trace=<list>            write each event as it happens: some of malloc (malloc,\n"               \
"                              free and the rest), raw, mem, object (CPython's\n"                       \
"                              allocator domains), all; or none  [none]\n"                              \
"    --trace-calls=yes|no      also calls and returns of Python functions [no]\n"                       \
"    --trace-format=text|heaptrack  lines to read, or heaptrack's data format [text]\n"                 \
"    --trace-file=<file>       where the events go [the log; with heaptrack's format\n"                 \
"                              pymemcheck.trace.%p]\n"                                                  \
"    --trace-start=yes|no      no: nothing is written until the program or the monitor\n"               \
"                              command trace on asks for it [yes]\n"                                    \
"    --trace-limit=<bytes>     the log ends after so many bytes; k, M, G may follow [none]\n"           \
"    --trace-file-filter=<pattern>  only what happens below a function of this Python\n"                \
"                              file [all]\n"                                                            \
"    --trace-function-filter=<pattern>  only below this Python or C function [all]\n"                   \
"    --trace-object-filter=<pattern>  only below a C function of this shared object [all]\n"            \
"    --trace-size-filter=<least>..<most>  only requests of so many bytes [all]\n"                       \
"    --trace-thread-filter=<number>  only this thread; the first is 1 [all]\n"

void pm_trace_options_init(struct pm_trace_settings *settings);

/* Takes arg if it is one of these options. A bad value ends the program with a message. */
bool pm_trace_options_process(struct pm_trace_settings *settings, const char *arg);

/* After the command line: refuses what does not fit together, and fills in the file's name. */
void pm_trace_options_check(struct pm_trace_settings *settings);

#endif
