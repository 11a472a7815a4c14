/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All state of one run. Owned by pm_main.c and passed down. */
#ifndef PM_RUN_H
#define PM_RUN_H

#include "base/pm_reader.h"
#include "base/pm_strings.h"
#include "base/pm_types.h"
#include "heap/pm_blocks.h"
#include "heap/pm_custom_blocks.h"
#include "heap/pm_events.h"
#include "heap/pm_frames.h"
#include "heap/pm_freed.h"
#include "heap/pm_ledger.h"
#include "heap/pm_losses.h"
#include "heap/pm_phases.h"
#include "heap/pm_profile.h"
#include "heap/pm_sites.h"
#include "heap/pm_stacks.h"
#include "tool/allocator/pm_recording.h"
#include "tool/capture/pm_capture.h"
#include "tool/errors/pm_errors.h"
#include "tool/errors/pm_wrong_frees.h"
#include "tool/capture/pm_native.h"
#include "tool/pm_options.h"
#include "tool/pm_output.h"
#include "tool/capture/pm_python.h"
#include "tool/leaks/pm_finalization.h"
#include "tool/leaks/pm_roots.h"
#include "tool/leaks/pm_free_lists.h"
#include "tool/leaks/pm_type_names.h"
#include "tool/requests/pm_requests_state.h"
#include "tool/pm_timeline.h"
#include "tool/trace/pm_event_log.h"
#include "tool/watch/pm_watch.h"

struct pm_totals {
    u64 allocs, frees, bytes;       /* as Memcheck's HEAP SUMMARY counts */
    u64 padding_bytes;
    u64 reused_blocks;
};

struct pm_run {
    struct pm_options options;
    struct pm_reader reader;

    struct pm_strings strings;
    struct pm_frames frames;
    struct pm_stacks stacks;
    struct pm_sites sites;
    struct pm_blocks blocks;
    struct pm_custom_blocks custom;
    struct pm_freed freed;
    struct pm_events events;        /* whoever listens to allocations besides the tables above */
    struct pm_ledger ledger;        /* such a listener, with --sanity-level=2 */
    struct pm_event_log log;        /* another, with --trace= */
    struct pm_wrong_frees wrong_frees;
    struct pm_errors errors;
    struct pm_output output;

    struct pm_native native;
    struct pm_python python;
    struct pm_capture capture;
    struct pm_roots roots;
    struct pm_free_lists free_lists;
    struct pm_type_names type_names;
    struct pm_finalization finalization;
    struct pm_timeline timeline;    /* snapshots over time */

    struct pm_recording recording;  /* threads that are not recorded */
    struct pm_phases phases;        /* that the program named */
    struct pm_requests_state requests;

    struct pm_watch watch;          /* with --watch-refs= */

    struct pm_totals totals;
    struct pm_troubles troubles;
    u64 serial;                     /* number of the newest allocation */
    u64 peak_serial;                /* of the newest allocation when the program reset the peak; 0: it did not */
    u64 address_space_limit;        /* RLIMIT_AS in bytes; 0: there is none */
    bool heap_protected;            /* the program unmapped or protected some of its heap */
    u64 core_frees;                 /* blocks given back to the core's allocator */
    u64 newest_address;             /* of the newest block */
    u64 newest_room;                /* objects begin at most so far into it */
    u64 newest_births;              /* a bit for each of its first words: an object was born there */

    u64 births_in_no_block;         /* of objects, static ones among them */

    u32 unknown_pools;              /* requests for memory pools that do not exist */

    u64 fork_serial;                /* of the newest allocation that a fork child inherited */
    struct pm_losses losses_before; /* of the searches before finalization, if searched_before */
    struct pm_sites_moment sites_before;    /* what was live at the last of them */
    bool searched_before;
    bool finished_before;           /* nothing can be added to losses_before any more */
    struct pm_losses last_losses;   /* of the last search on request, if searched_on_request */
    bool searched_on_request;
    u64 checked_serial;             /* of the newest allocation at that search; 0: there was none */

    u32 start_ms;
    u32 forks;                      /* of this process and of its parents, before it was forked */
    bool forked;                    /* this process is a fork child that has not exec'd */
    bool may_hide_objects;          /* small ones, because of options on the interpreter's command line */
    u32 threads_alive;              /* that started and have not ended */
    bool exiting;                   /* the program asked to exit */
    int exit_status;
    struct pm_stack_id end_stack;   /* of the last thread, if it ended before the program asked to exit */
};

#endif
