/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_libcprint.h"

#include "tool/requests/pm_phase_requests.h"

#include "base/pm_platform.h"
#include "report/pm_utf8.h"
#include "tool/pm_run.h"
#include "tool/requests/pm_answer.h"

enum { MOST_WARNINGS = 10 };

/* A block that is reused gets the newest number. So a mark takes a number for itself: what is reused after it
   must be above it. */
u64 pm_phase_mark(struct pm_run *run)
{
    if (run->serial == 0)
        run->serial = 1;
    const u64 mark = run->serial;
    run->serial += run->serial < PM_BLOCK_MAX_SERIAL;
    return mark;
}

static struct pm_phase_figures figures(struct pm_run *run)
{
    return (struct pm_phase_figures){
        .serial = pm_phase_mark(run),
        .allocs = run->totals.allocs,
        .frees = run->totals.frees,
        .bytes = run->totals.bytes,
        .live_bytes = run->sites.live_bytes,
        .live_blocks = run->sites.live_blocks,
    };
}

static void add_quoted(struct pm_buffer *out, const char *name)
{
    pm_buffer_add_char(out, '\'');
    pm_utf8_add_harmless(out, name, pm_length(name));
    pm_buffer_add_char(out, '\'');
}

static void warn(struct pm_run *run, const char *what, const char *name, const char *rest, const char *other)
{
    struct pm_buffer words;

    if (run->requests.warnings++ >= MOST_WARNINGS)
        return;
    pm_buffer_init(&words);
    pm_buffer_add_text(&words, what);
    add_quoted(&words, name);
    pm_buffer_add_text(&words, rest);
    if (other != NULL)
        add_quoted(&words, other);
    VG_(umsg)("pymemcheck: warning: %s\n", words.bytes);
    pm_buffer_release(&words);
}

long pm_phase_begin(struct pm_run *run, u32 tid, u64 address)
{
    const u32 thread = pm_python_thread_ordinal(&run->python, tid);
    char name[PM_ANSWER_NAME_BYTES];

    if (!pm_answer_name(run, address, name))
        return PYMEMCHECK_BAD_ARGUMENT;
    const struct pm_phase_figures now = figures(run);
    if (pm_phases_begin(&run->phases, pm_strings_intern_text(&run->strings, name), thread, &now))
        return PM_ANSWER_DONE;
    warn(run, "there are too many phases: ", name, " is left out", NULL);
    return PYMEMCHECK_NOT_SUPPORTED;
}

long pm_phase_end(struct pm_run *run, u32 tid, u64 address)
{
    const u32 thread = pm_python_thread_ordinal(&run->python, tid);
    char name[PM_ANSWER_NAME_BYTES];

    if (!pm_answer_name(run, address, name))
        return PYMEMCHECK_BAD_ARGUMENT;
    const struct pm_phase_figures now = figures(run);
    if (pm_phases_end(&run->phases, pm_strings_intern_text(&run->strings, name), thread, &now))
        return PM_ANSWER_DONE;
    const struct pm_phase *open = pm_phases_innermost(&run->phases, thread);
    if (open == NULL)
        warn(run, "the end of phase ", name, " has no begin in this thread", NULL);
    else
        warn(run, "the end of phase ", name, " is ignored: the innermost open phase of this thread is ",
             pm_strings_text(&run->strings, open->name));
    return PYMEMCHECK_BAD_ARGUMENT;
}

void pm_phase_thread_ends(struct pm_run *run, u32 tid)
{
    if (run->phases.open_count == 0)
        return;
    const struct pm_phase_figures now = figures(run);
    pm_phases_end_thread(&run->phases, pm_python_thread_ordinal(&run->python, tid), &now);
}

void pm_phase_forked(struct pm_run *run, u32 tid)
{
    if (run->phases.open_count == 0)
        return;
    const struct pm_phase_figures now = figures(run);
    pm_phases_keep_thread(&run->phases, pm_python_thread_ordinal(&run->python, tid), &now);
}

struct adding {
    void (*add_block)(void *sums, u64 serial, u64 bytes);
    void *sums;
};

static void add_block(void *context, struct pm_block *block)
{
    const struct adding *adding = context;
    adding->add_block(adding->sums, block->serial, pm_block_requested_bytes(block));
}

static void each_block(void *context, void (*add)(void *sums, u64 serial, u64 bytes), void *sums)
{
    const struct pm_run *run = context;
    struct adding adding = { add, sums };

    pm_blocks_each(&run->blocks, add_block, &adding);
}

void pm_phase_settle(struct pm_run *run)
{
    if (run->phases.count == 0)
        return;
    const struct pm_phase_figures now = figures(run);
    pm_phases_settle(&run->phases, &now, each_block, run);
}
