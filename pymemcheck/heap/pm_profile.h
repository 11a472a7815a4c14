/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frozen profile: a read-only view of a run, and all that a report may use. The tool fills
   it in before it writes a report (tool/pm_freeze.c). It owns nothing that it points to. */
#ifndef PM_PROFILE_H
#define PM_PROFILE_H

#include "base/pm_strings.h"
#include "base/pm_types.h"
#include "heap/pm_balance_report.h"
#include "heap/pm_frames.h"
#include "heap/pm_losses.h"
#include "heap/pm_phases.h"
#include "heap/pm_moments.h"
#include "heap/pm_sites.h"
#include "heap/pm_stacks.h"
#include "heap/pm_wrong_free_sums.h"

/* Why the report is written. */
enum pm_end {
    PM_END_EXIT,        /* exit_status holds the exit code */
    PM_END_SIGNAL,      /* exit_status holds the number of the signal; 0: the core did not tell */
    PM_END_EXEC,        /* the process is about to become another program */
    PM_END_RUNNING,     /* it goes on: written at a snapshot, or on request */
};

/* Things that went wrong without stopping the run. */
struct pm_troubles {
    u64 unreadable_stacks;      /* a thread's Python frames could not be read, or not to the end */
    u64 unreadable_code;        /* code objects, names or line tables that could not be read */
    u64 failed_allocations;     /* requests that returned NULL */
    u64 unknown_frees;          /* frees of addresses that are no live block */
};

struct pm_profile {
    u64 pid, ppid;
    const char *const *command;     /* argv of the program */
    size_t command_length;
    const char *tool_version;
    const char *valgrind_version;
    const char *python;             /* e.g. "CPython 3.11.2 (debug build)"; NULL: no interpreter seen */
    const char *python_refused;     /* why Python frames were not read; NULL: they were, or there was no interpreter */
    const char *hint;               /* one line of advice, such as that a shell was traced; NULL: none */
    bool pymalloc;                  /* --pymalloc=yes: small objects are hidden in arenas */
    bool debug_hooks;               /* some requests were padded by CPython's debug hooks */
    enum pm_end end;
    int exit_status;
    struct pm_stack_id end_stack;   /* SIGNAL: of the thread that it killed; empty: not known */
    u64 elapsed_ms;                 /* since start, wall clock */

    /* As Memcheck counts them: with padding, and a realloc is one free and one allocation. */
    u64 total_allocs, total_frees, total_bytes;
    u64 live_bytes, live_blocks;
    u64 peak_bytes, peak_blocks;
    u64 peak_since;                 /* serial of the newest allocation when the program reset the peak; 0: it did not */
    u64 padding_bytes;              /* part of total_bytes that debug hooks added */
    u64 reused_blocks;               /* passed to another site because CPython reused an object */
    struct pm_troubles troubles;

    const struct pm_strings *strings;
    const struct pm_frames *frames;
    const struct pm_stacks *stacks;
    const struct pm_sites *sites;
    const struct pm_phases *phases; /* settled; NULL: there are none */
    const u8 *domains;              /* of each site: see docs/file-format.md; NULL: not looked for */
    const struct pm_moments *moments;       /* snapshots over time; NULL or without any: none were taken */
    const struct pm_sites_moment *before;   /* before the interpreter's finalization; NULL: not taken */
    const struct pm_wrong_free_sums *wrong_frees;   /* that were shown; NULL: none */
    const struct pm_losses *losses; /* at the end; NULL: no search was made then */
    const struct pm_balance_report *watched;    /* NULL: nothing is watched (--watch-refs=) */
    const struct pm_losses *losses_before;  /* before the interpreter's finalization; or NULL */
};

#endif
