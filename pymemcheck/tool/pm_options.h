/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line. */
#ifndef PM_OPTIONS_H
#define PM_OPTIONS_H

#include "base/pm_types.h"
#include "heap/pm_losses.h"
#include "heap/pm_record_filter.h"
#include "tool/pm_pace.h"
#include "tool/trace/pm_trace_options.h"
#include "tool/watch/pm_watch_rules.h"

#define PM_MAX_PYTHON_FRAMES 1000
#define PM_MAX_FREELIST_BYTES 4000000000u

enum pm_leak_check {
    PM_LEAK_CHECK_NO,
    PM_LEAK_CHECK_SUMMARY,
    PM_LEAK_CHECK_FULL,
};

struct pm_options {
    bool caller, function, line, stack;     /* --histogram= */
    u32 histogram_top, table_top;           /* --histogram-top=; 0: all */
    bool draw_histograms;                   /* --histogram= or --histogram-top= was given */
    bool full_paths;                        /* --python-paths=full */
    bool paths_given;                       /* --python-paths= was on the command line */
    bool pymalloc;                          /* --pymalloc=yes */
    u32 python_frames;                      /* --python-frames= */
    enum pm_leak_check leak_check;          /* --leak-check= */
    bool leak_scan_before;                  /* --leak-scan=before or both */
    bool leak_scan_after;                   /* --leak-scan=after or both */
    enum pm_loss_resolution leak_resolution;    /* --leak-resolution= */
    u32 leak_heuristics;                    /* --leak-check-heuristics=: enum pm_leak_heuristic bits */
    bool python_objects;                    /* --python-objects= */
    u32 shown_leak_blocks;                  /* --show-leak-blocks=: blocks shown of each loss record */
    u32 show_leak_kinds, error_leak_kinds;  /* --show-leak-kinds=, --errors-for-leak-kinds=:
                                               PM_LOSS_KIND bits */
    struct pm_record_filter record_filter;           /* --only-object=, --only-file=, --only-phase= */
    bool child_errors;                      /* --child-errors= */
    bool mismatched_frees;                  /* --show-mismatched-frees= */
    bool free_stacks;                       /* --keep-stacktraces=alloc-and-free */
    u64 freelist_bytes;                     /* --freelist-vol= */
    u32 freelist_blocks, freelist_small;    /* at most so many blocks wait, and small ones; 0: not limited */
    struct pm_pace snapshot_every;          /* --snapshot-every= */
    u32 max_snapshots;                      /* --max-snapshots= */
    bool snapshot_write;                    /* --snapshot-write= */
    struct pm_watch_rules watch_refs;       /* --watch-refs= */
    bool watch_refs_all;                    /* --watch-refs-all= */
    const char *out_file;                   /* --pymemcheck-out-file=; %p and %q{VAR} not yet expanded */
    struct pm_trace_settings trace;         /* the event log */
};

/* Sets every option to its default. */
void pm_options_init(struct pm_options *options);

/* Takes arg (such as "--pymalloc=yes") if it is one of ours; false if it is
   not. A bad value ends the program with a message, as Valgrind's own do. */
bool pm_options_process(struct pm_options *options, const char *arg);

/* Whether the core was given --trace-children=yes, which it does not tell tools. */
bool pm_options_trace_children(void);

void pm_options_print_usage(void);
void pm_options_print_debug_usage(void);

#endif
