/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "pub_tool_basics.h"
#include "pub_tool_clientstate.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_libcproc.h"
#include "pub_tool_mallocfree.h"
#include "pub_tool_options.h"
#include "pub_tool_vki.h"
#include "pub_tool_xarray.h"

#include "tool/pm_output.h"

#include "base/pm_buffer.h"
#include "base/pm_platform.h"
#include "report/pm_text.h"
#include "report/pm_utf8.h"
#include "tool/leaks/pm_leak_report.h"
#include "tool/pm_memory_limit.h"
#include "tool/pm_process.h"
#include "tool/pm_profile_file.h"
#include "tool/pm_run.h"
#include "tool/pm_source.h"

static void write_to_log(void *context, const char *bytes, size_t length)
{
    (void)context;
    (void)length;
    VG_(umsg)("%s", bytes);
}

/* Where the profile goes; free it. If the program that is about to run has the same process number and will
   be profiled too, its profile must not replace this one. */
static char *file_name(const struct pm_run *run, enum pm_end end)
{
    return pm_profile_file_name(run->options.out_file, end == PM_END_EXEC && pm_options_trace_children());
}

void pm_output_check(const struct pm_run *run)
{
    VG_(free)(file_name(run, PM_END_EXIT));
}

/* argv of the program; the array is the caller's, the texts are the core's. */
static const char **command_of(size_t *length)
{
    size_t count = VG_(args_the_exename) != NULL ? 1 : 0;
    Word others = VG_(sizeXA)(VG_(args_for_client));
    const char **command = pm_alloc("pm.command", (count + (size_t)others) * sizeof *command);

    if (count == 1)
        command[0] = VG_(args_the_exename);
    for (Word i = 0; i < others; i++)
        command[count++] = *(HChar **)VG_(indexXA)(VG_(args_for_client), i);
    *length = count;
    return command;
}

static void describe_python(const struct pm_run *run, struct pm_profile *profile,
                            struct pm_buffer *text)
{
    const struct pm_python *python = &run->python;

    if (python->state == PM_PYTHON_REFUSED) {
        profile->python_refused = python->why;
    } else if (python->state == PM_PYTHON_READY) {
        pm_buffer_add_text(text, "CPython ");
        pm_buffer_add_text(text, python->interpreter.version);
        if (python->interpreter.debug)
            pm_buffer_add_text(text, " (debug build)");
        profile->python = text->bytes;
    }
}

static struct pm_profile freeze(const struct pm_run *run, enum pm_end end, int exit_status)
{
    return (struct pm_profile){
        .pid = (u64)VG_(getpid)(),
        .ppid = (u64)VG_(getppid)(),
        .tool_version = PM_VERSION,
        .valgrind_version = PM_VALGRIND_VERSION,
        .hint = pm_process_hint(run),
        .pymalloc = run->options.pymalloc,
        .debug_hooks = run->totals.padding_bytes > 0,
        .end = end,
        .exit_status = exit_status,
        .elapsed_ms = VG_(read_millisecond_timer)() - run->start_ms,
        .total_allocs = run->totals.allocs,
        .total_frees = run->totals.frees,
        .total_bytes = run->totals.bytes,
        .live_bytes = run->sites.live_bytes,
        .live_blocks = run->sites.live_blocks,
        .peak_bytes = run->sites.peak_bytes,
        .peak_blocks = run->sites.peak_blocks,
        .padding_bytes = run->totals.padding_bytes,
        .reused_blocks = run->totals.reused_blocks,
        .troubles = run->troubles,
        .strings = &run->strings,
        .frames = &run->frames,
        .stacks = &run->stacks,
        .sites = &run->sites,
    };
}

void pm_output_begin(struct pm_run *run, enum pm_end end, int exit_status,
                     struct pm_report *report)
{
    const struct pm_options *options = &run->options;

    pm_native_add_lines(&run->native);
    pm_sites_settle(&run->sites);
    report->profile = freeze(run, end, exit_status);
    report->profile.command = report->command = command_of(&report->profile.command_length);
    pm_buffer_init(&report->python);
    describe_python(run, &report->profile, &report->python);
    pm_source_init(&report->source);
    report->log = (struct pm_sink){ .write = write_to_log };
    report->text = (struct pm_text_options){
        .histograms = (options->caller ? PM_TEXT_HISTOGRAM(PM_GROUP_CALLER) : 0)
            | (options->function ? PM_TEXT_HISTOGRAM(PM_GROUP_FUNCTION) : 0)
            | (options->line ? PM_TEXT_HISTOGRAM(PM_GROUP_LINE) : 0)
            | (options->stack ? PM_TEXT_HISTOGRAM(PM_GROUP_STACK) : 0),
        .histogram_top = options->histogram_top,
        .live_top = options->histogram_top,
        .paths = !options->paths_given ? PM_TEXT_PATHS_DEFAULT
            : options->full_paths ? PM_TEXT_PATHS_FULL : PM_TEXT_PATHS_BASE,
        .whole_stacks = options->leak_resolution == PM_LOSS_HIGH,
        .source_line = pm_source_line,
        .source_context = &report->source,
    };
}

void pm_output_end(struct pm_report *report)
{
    pm_source_release(&report->source);
    pm_buffer_release(&report->python);
    pm_free(report->command);
}

static void write_json(struct pm_run *run, const struct pm_profile *profile)
{
    char *name = file_name(run, profile->end);
    struct pm_buffer shown;

    pm_buffer_init(&shown);
    pm_utf8_add_harmless(&shown, name, VG_(strlen)(name));
    if (pm_profile_file_write(profile, name))
        VG_(umsg)("Profile written to %s\n", shown.bytes);
    else
        VG_(umsg)("pymemcheck: error: cannot write the profile to '%s'"
                  " (--pymemcheck-out-file); the text report is complete.\n", shown.bytes);
    pm_buffer_release(&shown);
    if (profile->end == PM_END_EXEC)
        pm_process_exec_begins(run, name);
    else
        VG_(free)(name);
}

void pm_output_write(struct pm_run *run, enum pm_end end, int exit_status)
{
    struct pm_losses losses;
    struct pm_report report;

    pm_memory_limit_report_begins();
    bool searched = pm_leak_report_search_at_end(run, &losses);
    /* Nobody asks how many errors there are when the next program runs. If the exec fails they are counted
       at the real end. */
    const bool counted = end != PM_END_EXEC;

    pm_output_begin(run, end, exit_status, &report);
    report.profile.losses = searched ? &losses : NULL;
    report.profile.losses_before = run->searched_before ? &run->losses_before : NULL;
    pm_text_write(&report.profile, &report.text, &report.log);
    /* A leak that both searches found is one error. */
    if (run->searched_before)
        pm_leak_report_write(run, &report, "Leaks before the interpreter's finalization:",
                            &run->losses_before, counted && !searched);
    if (searched)
        pm_leak_report_write(run, &report, "Leaks at exit:", &losses, counted);
    if (run->stacks.refused > 0)
        VG_(umsg)("pymemcheck: warning: there are too many different stacks: inner frames of later ones are left"
                  " out.\n");
    write_json(run, &report.profile);
    pm_output_end(&report);
    if (searched)
        pm_losses_release(&losses);
}
