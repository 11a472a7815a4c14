/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_aspacemgr.h"
#include "pub_tool_clreq.h"
#include "pub_tool_gdbserver.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_mallocfree.h"
#include "pub_tool_vki.h"

#include "tool/leaks/pm_leak_report.h"

#include "base/pm_platform.h"
#include "heap/pm_loss_kinds.h"
#include "report/pm_text_parts.h"
#include "tool/errors/pm_errors.h"
#include "tool/leaks/pm_leak_check.h"
#include "tool/core/pm_core_probe.h"
#include "tool/pm_memory.h"
#include "tool/pm_memory_limit.h"
#include "tool/pm_run.h"

/* Memcheck's client requests (memcheck/memcheck.h, 3.19; their numbers are fixed). */
enum {
    MEMCHECK_BASE = ('M' << 24) | ('C' << 16),
    MEMCHECK_DO_LEAK_CHECK = MEMCHECK_BASE + 6,
    MEMCHECK_COUNT_LEAKS = MEMCHECK_BASE + 7,
    MEMCHECK_COUNT_LEAK_BLOCKS = MEMCHECK_BASE + 12,
};

/* Whether records of reachable blocks are wanted at all: there may be very many. */
static bool wants_reachable(const struct pm_options *options)
{
    return ((options->show_leak_kinds | options->error_leak_kinds)
            & PM_LOSS_KIND(PM_LOSS_REACHABLE)) != 0;
}

/* Takes the records through suppressions and filters. records: show those of the kinds that are to
   be shown; errors: count those that are errors. */
static void report_losses(struct pm_run *run, struct pm_text *text, struct pm_losses *losses,
                          bool records, bool errors)
{
    const struct pm_options *options = &run->options;

    for (u32 i = 0; i < losses->count; i++) {
        struct pm_loss *loss = &losses->records[i];
        const u32 bit = PM_LOSS_KIND(loss->kind);
        if (!pm_record_filter_accepts(&options->only, losses->strings, losses->frames, losses->stacks,
                           loss->stack)) {
            pm_losses_leave_out(losses, loss);
            continue;
        }
        const struct pm_loss_report report = {
            .text = text,
            .loss = loss,
            .number = i + 1,
            .count = losses->count,
            .shown = records && (options->show_leak_kinds & bit) != 0,
            .counted = errors && records && (options->error_leak_kinds & bit) != 0,
        };
        if (pm_errors_report_loss(run, &report))
            pm_losses_suppress(losses, loss);
    }
}

static void write_losses(struct pm_run *run, struct pm_text *text, const char *heading,
                         struct pm_losses *losses, bool records, bool errors)
{
    pm_text_put_line(text, heading);
    pm_text_end_line(text);
    report_losses(run, text, losses, records, errors);
    pm_text_write_leak_summary(text, losses);
}

void pm_leak_report_write(struct pm_run *run, const struct pm_report *report, const char *heading,
                         struct pm_losses *losses, bool errors)
{
    struct pm_text text;

    pm_text_init(&text, &report->profile, &report->text, &report->log);
    write_losses(run, &text, heading, losses, run->options.leak_check == PM_LEAK_CHECK_FULL, errors);
    pm_text_release(&text);
}

void pm_leak_report_before_finalization(struct pm_run *run)
{
    if (run->finalization_serial != 0)
        return;
    if (run->options.leak_check != PM_LEAK_CHECK_NO && run->options.leak_scan_before
            && pm_memory_limit_allows_search(run)) {
        pm_leak_check_search(run, wants_reachable(&run->options), &run->losses_before);
        run->searched_before = true;
        pm_memory_limit_note(run);
    }
    if (run->options.leak_check != PM_LEAK_CHECK_NO)
        pm_type_names_note(run);
    run->finalization_serial = run->serial + 1;
}

bool pm_leak_report_search_at_end(struct pm_run *run, struct pm_losses *losses)
{
    if (run->options.leak_check == PM_LEAK_CHECK_NO
            || (run->searched_before && !run->options.leak_scan_after) || !pm_memory_limit_allows_search(run))
        return false;
    pm_leak_check_search(run, wants_reachable(&run->options), losses);
    return true;
}

static void report_now(struct pm_run *run, bool records, const struct pm_sink *sink)
{
    struct pm_losses losses;
    struct pm_report report;
    struct pm_text text;

    if (!pm_memory_limit_allows_search(run))
        return;
    pm_leak_check_search(run, wants_reachable(&run->options), &losses);
    pm_output_begin(run, PM_END_EXIT, 0, &report);
    pm_text_init(&text, &report.profile, &report.text, sink != NULL ? sink : &report.log);
    write_losses(run, &text, "Leaks at this moment:", &losses, records, false);
    pm_text_release(&text);
    pm_output_end(&report);
    for (int kind = 0; kind < PM_LOSS_KINDS; kind++)
        run->last_sums[kind] = losses.sums[kind];
    run->last_suppressed = losses.suppressed;
    pm_losses_release(&losses);
    pm_memory_limit_note(run);
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
    u64 sums[PM_LOSS_KINDS];

    for (int kind = 0; kind < PM_LOSS_KINDS; kind++)
        sums[kind] = blocks ? run->last_sums[kind].blocks : run->last_sums[kind].bytes;
    store(args[1], sums[PM_LOSS_DEFINITE] + sums[PM_LOSS_INDIRECT] + sums[PM_LOSS_CYCLE]);
    store(args[2], sums[PM_LOSS_POSSIBLE]);
    store(args[3], sums[PM_LOSS_REACHABLE] + sums[PM_LOSS_SURPLUS] + sums[PM_LOSS_INTERPRETER]);
    store(args[4], blocks ? run->last_suppressed.blocks : run->last_suppressed.bytes);
}

static void write_to_gdb(void *context, const char *bytes, size_t length)
{
    (void)context;
    (void)length;
    VG_(gdb_printf)("%s", bytes);
}

static void print_monitor_help(void)
{
    VG_(gdb_printf)(
"\n"
"pymemcheck monitor commands:\n"
"  leak_check [full|summary]\n"
"      searches for leaks now; full (the default) shows the records\n"
"\n");
}

static bool run_command(struct pm_run *run, const char *request)
{
    const struct pm_sink gdb = { .write = write_to_gdb };
    HChar *words, *rest, *word;
    bool known = true;

    words = VG_(strdup)("pm.monitor", request);
    word = VG_(strtok_r)(words, " ", &rest);
    switch (word == NULL ? -1 : VG_(keyword_id)("help leak_check", word, kwd_report_duplicated_matches)) {
    case -2:
        break;
    case 0:
        print_monitor_help();
        break;
    case 1:
        word = VG_(strtok_r)(NULL, " ", &rest);
        switch (word == NULL ? 0 : VG_(keyword_id)("full summary", word, kwd_report_all)) {
        case 0:
            report_now(run, true, &gdb);
            break;
        case 1:
            report_now(run, false, &gdb);
            break;
        default:
            break;
        }
        break;
    default:
        known = false;
        break;
    }
    VG_(free)(words);
    return known;
}

bool pm_leak_report_request(struct pm_run *run, const u64 *args, u64 *answer)
{
    switch (args[0]) {
    case VG_USERREQ__GDB_MONITOR_COMMAND:
        *answer = run_command(run, (const char *)args[1]);
        return *answer != 0;
    case MEMCHECK_DO_LEAK_CHECK:
        report_now(run, args[1] == 0, NULL);
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
