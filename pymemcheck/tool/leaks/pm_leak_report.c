/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_options.h"

#include "tool/leaks/pm_leak_report.h"

#include "base/pm_platform.h"
#include "heap/pm_loss_kinds.h"
#include "tool/core/pm_core.h"
#include "tool/errors/pm_errors.h"
#include "tool/leaks/pm_leak_check.h"
#include "tool/pm_freeze.h"
#include "tool/pm_memory.h"
#include "tool/pm_memory_limit.h"
#include "tool/pm_run.h"
#include "tool/requests/pm_phase_requests.h"

/* Memcheck's client requests (memcheck/memcheck.h, 3.19; their numbers are fixed). */
enum {
    MEMCHECK_BASE = ('M' << 24) | ('C' << 16),
    MEMCHECK_DO_LEAK_CHECK = MEMCHECK_BASE + 6,
    MEMCHECK_COUNT_LEAKS = MEMCHECK_BASE + 7,
    MEMCHECK_COUNT_LEAK_BLOCKS = MEMCHECK_BASE + 12,
};

/* The search that the options ask for. There may be very many records of reachable blocks, so they
   are made only if they are wanted. */
static struct pm_leak_check_request default_request(const struct pm_options *options)
{
    return (struct pm_leak_check_request){
        .all = ((options->show_leak_kinds | options->error_leak_kinds)
                & PM_LOSS_KIND(PM_LOSS_REACHABLE)) != 0,
        .list_blocks = options->shown_leak_blocks > 0,
    };
}

/* Which records are shown, and which count as errors. */
struct selection {
    u32 shown, counted;             /* PM_LOSS_KIND bits */
    u32 most;                       /* show at most so many; 0: all */
    u32 most_reachable;             /* the same of records of reachable blocks */
};

static bool is_below(u32 count, u32 most)
{
    return most == 0 || count < most;
}

/* Takes the records through filters and suppressions. */
static void report_losses(struct pm_run *run, const struct pm_writers *writers,
                          struct pm_losses *losses, const struct selection *selection)
{
    const struct pm_tables tables = { losses->strings, losses->frames, losses->stacks };
    u32 shown = 0, shown_reachable = 0;

    for (u32 i = 0; i < losses->count; i++) {
        struct pm_loss *loss = &losses->records[i];
        const u32 bit = PM_LOSS_KIND(loss->kind);
        const bool reachable = loss->kind == PM_LOSS_REACHABLE;
        if (!pm_record_filter_accepts(&run->options.record_filter, &tables, loss)) {
            pm_losses_leave_out(losses, loss);
            continue;
        }
        const struct pm_loss_report report = {
            .writers = writers,
            .loss = loss,
            .number = i + 1,
            .count = losses->count,
            .shown = (selection->shown & bit) != 0
                && is_below(shown, selection->most)
                && (!reachable || is_below(shown_reachable, selection->most_reachable)),
            .counted = (selection->counted & bit) != 0,
        };
        if (pm_errors_report_loss(run, &report)) {
            pm_losses_suppress(losses, loss);
        } else {
            shown += report.shown;
            shown_reachable += report.shown && reachable;
        }
    }
}

static void write_search(struct pm_run *run, struct pm_writers *writers,
                         const struct pm_profile *profile, enum pm_search_moment moment,
                         struct pm_losses *losses, const struct selection *selection)
{
    pm_core_log_gather_begin();
    pm_writers_search_begin(writers, profile, moment);
    report_losses(run, writers, losses, selection);
    pm_writers_search_end(writers, losses);
    pm_core_log_gather_end();
}

void pm_leak_report_write(struct pm_run *run, const struct pm_profile *profile,
                          enum pm_search_moment moment, struct pm_losses *losses, bool errors)
{
    const bool full = run->options.leak_check == PM_LEAK_CHECK_FULL;
    const struct selection selection = {
        .shown = full ? run->options.show_leak_kinds : 0,
        .counted = full && errors ? run->options.error_leak_kinds : 0,
        /* For people. Who reads the XML output wants all. */
        .most_reachable = VG_(clo_xml) ? 0 : run->options.histogram_top,
    };

    write_search(run, &run->output.writers, profile, moment, losses, &selection);
}

/* Finalization may free the names of types that are lost. */
static void record_type_names(struct pm_run *run)
{
    struct pm_objects objects;

    if (!run->options.python_objects || run->python.state != PM_PYTHON_READY)
        return;
    pm_reader_forget(&run->reader);
    if (pm_objects_init(&objects, &run->reader, &run->strings, &run->python.interpreter)) {
        /* Types that an earlier life lost keep the names that they had then. */
        pm_type_names_tell(&run->type_names, &objects, &run->blocks);
        pm_type_names_record(&run->type_names, &objects, &run->blocks);
    }
    pm_objects_release(&objects);
}

void pm_leak_report_finalization_begins(struct pm_run *run)
{
    if (run->options.leak_check != PM_LEAK_CHECK_NO)
        record_type_names(run);
}

/* Drops what searches before finalization found. */
static void drop_before(struct pm_run *run)
{
    if (run->searched_before)
        pm_losses_release(&run->losses_before);
    run->searched_before = run->finished_before = false;
}

void pm_leak_report_before_finalization(struct pm_run *run)
{
    struct pm_leak_check_request request = default_request(&run->options);

    if (run->options.leak_check == PM_LEAK_CHECK_NO || !run->options.leak_scan_before
            || !pm_memory_limit_allows_search(run))
        return;
    /* An exec failed in an earlier life, and its report finished the records. */
    if (run->finished_before)
        drop_before(run);
    request.after_serial = run->finalization.life_serial;
    request.add = run->searched_before;
    request.count_types = true;
    pm_sites_moment_release(&run->sites_before);
    pm_sites_moment_take(&run->sites_before, &run->sites);
    pm_leak_check_run(run, &request, &run->losses_before);
    run->searched_before = true;
    pm_memory_limit_note(run);
}

void pm_leak_report_forked(struct pm_run *run)
{
    drop_before(run);
    if (run->searched_on_request)
        pm_losses_release(&run->last_losses);
    run->searched_on_request = false;
    run->last_losses = (struct pm_losses){ 0 };
}

void pm_leak_report_finish_before(struct pm_run *run)
{
    if (run->searched_before && !run->finished_before)
        pm_losses_finish(&run->losses_before);
    run->finished_before = run->searched_before;
}

bool pm_leak_report_search_at_end(struct pm_run *run, struct pm_losses *losses)
{
    struct pm_leak_check_request request = default_request(&run->options);

    request.count_types = true;
    if (run->options.leak_check == PM_LEAK_CHECK_NO
            || (run->searched_before && !run->options.leak_scan_after)
            || !pm_memory_limit_allows_search(run))
        return false;
    pm_leak_check_run(run, &request, losses);
    pm_losses_finish(losses);
    return true;
}

void pm_leak_report_now(struct pm_run *run, const struct pm_leak_report_now *now)
{
    struct pm_leak_check_request request = default_request(&run->options);
    const struct selection selection = {
        .shown = now->records ? now->kinds : 0, .most = now->most,
    };
    struct pm_losses *losses = &run->last_losses;
    struct pm_writers writers;
    struct pm_frozen frozen;

    if (!pm_memory_limit_allows_search(run))
        return;
    request.all |= (now->kinds & PM_LOSS_KIND(PM_LOSS_REACHABLE)) != 0;
    request.list_blocks = true;
    request.search_follows = true;
    request.after_serial = now->after_serial;
    run->checked_serial = pm_phase_mark(run);
    if (run->searched_on_request)
        pm_losses_release(losses);
    pm_leak_check_run(run, &request, losses);
    pm_losses_finish(losses);
    run->searched_on_request = true;
    pm_freeze(run, PM_END_EXIT, 0, &frozen);
    if (now->sink != NULL) {
        pm_output_open_for(run, &writers, now->sink);
        write_search(run, &writers, &frozen.profile, PM_SEARCH_ON_REQUEST, losses, &selection);
        pm_writers_release(&writers);
    } else {
        write_search(run, &run->output.writers, &frozen.profile, PM_SEARCH_ON_REQUEST, losses,
                     &selection);
    }
    pm_freeze_release(run, &frozen);
    pm_memory_limit_note(run);
}

/* Native frames in records want their source lines. */
static void report_asked(struct pm_run *run, const struct pm_leak_report_asked *asked, struct pm_losses *losses)
{
    const struct selection nothing = { 0 };
    struct pm_writers nowhere;
    struct pm_frozen frozen;

    if (asked->silent) {
        pm_native_add_lines(&run->native);
        pm_writers_init(&nowhere);
        report_losses(run, &nowhere, losses, &nothing);
        pm_writers_release(&nowhere);
        return;
    }
    pm_freeze(run, PM_END_RUNNING, 0, &frozen);
    pm_leak_report_write(run, &frozen.profile, PM_SEARCH_ON_REQUEST, losses, true);
    pm_freeze_release(run, &frozen);
}

bool pm_leak_report_search(struct pm_run *run, const struct pm_leak_report_asked *asked)
{
    const struct pm_leak_check_request request = {
        .all = asked->reachable,
        .search_follows = true,
        .after_serial = asked->after_serial,
        .list_blocks = !asked->silent && run->options.shown_leak_blocks > 0,
    };
    struct pm_losses losses;

    if (!pm_memory_limit_allows_search(run))
        return false;
    pm_leak_check_run(run, &request, &losses);
    pm_losses_finish(&losses);
    report_asked(run, asked, &losses);
    asked->take(asked->context, &losses);
    pm_losses_release(&losses);
    pm_memory_limit_note(run);
    return true;
}

/* Stores count in the program's variable at address, if that can be written. */
static void store(u64 address, u64 count)
{
    if (pm_memory_is_writable(address, sizeof count) && pm_core_can_read(address))
        *(u64 *)address = count;
}

/* Four variables of the program: leaked (definitely and indirectly), dubious, reachable,
   suppressed, as the last search on request found them. */
static void count_leaks(const struct pm_run *run, const u64 *args, bool blocks)
{
    const struct pm_losses *losses = &run->last_losses;
    u64 sums[PM_LOSS_KINDS];

    for (int kind = 0; kind < PM_LOSS_KINDS; kind++)
        sums[kind] = blocks ? losses->sums[kind].blocks : losses->sums[kind].bytes;
    store(args[1], sums[PM_LOSS_DEFINITE] + sums[PM_LOSS_INDIRECT] + sums[PM_LOSS_CYCLE]);
    store(args[2], sums[PM_LOSS_POSSIBLE]);
    store(args[3], sums[PM_LOSS_REACHABLE] + sums[PM_LOSS_SURPLUS] + sums[PM_LOSS_DEFICIT]
                       + sums[PM_LOSS_INTERPRETER]);
    store(args[4], blocks ? losses->suppressed.blocks : losses->suppressed.bytes);
}

bool pm_leak_report_request(struct pm_run *run, const u64 *args, u64 *answer)
{
    switch (args[0]) {
    case MEMCHECK_DO_LEAK_CHECK:
        pm_leak_report_now(run, &(struct pm_leak_report_now){
            .records = args[1] == 0, .kinds = run->options.show_leak_kinds });
        break;
    case MEMCHECK_COUNT_LEAKS:
        count_leaks(run, args, false);
        break;
    case MEMCHECK_COUNT_LEAK_BLOCKS:
        count_leaks(run, args, true);
        break;
    default:
        return false;
    }
    *answer = 0;
    return true;
}
