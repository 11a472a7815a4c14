/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "pub_tool_basics.h"
#include "pub_tool_clientstate.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_libcfile.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_libcproc.h"
#include "pub_tool_mallocfree.h"
#include "pub_tool_options.h"
#include "pub_tool_vki.h"
#include "pub_tool_xarray.h"

#include "tool/pm_output.h"

#include "base/pm_platform.h"
#include "tool/leaks/pm_leak_report.h"
#include "tool/pm_process.h"
#include "tool/pm_run.h"
#include "tool/pm_source.h"

#define EXEC_SUFFIX ".before-exec"

/* --- Where the formats write --- */

static void write_to_log(void *context, const char *bytes, size_t length)
{
    (void)context;
    (void)length;
    VG_(umsg)("%s", bytes);
}

static void write_to_xml(void *context, const char *bytes, size_t length)
{
    (void)context;
    (void)length;
    VG_(printf_xml)("%s", bytes);
}

/* Without the prefix of the log's lines, so that it can be copied into a file. */
static void write_suggestion(void *context, const char *bytes, size_t length)
{
    (void)context;
    (void)length;
    VG_(umsg)("\n");
    VG_(printf)("%s", bytes);
}

static void write_to_file(void *context, const char *bytes, size_t length)
{
    struct pm_output_file *file = context;

    while (length > 0 && !file->failed) {
        Int piece = length < (1u << 30) ? (Int)length : 1 << 30;
        Int written = VG_(write)(file->fd, bytes, piece);
        if (written <= 0) {
            file->failed = true;
            return;
        }
        bytes += written;
        length -= (size_t)written;
    }
}

static u64 address_of(void *context, struct pm_frame_id frame)
{
    const struct pm_run *run = context;
    return pm_native_address(&run->native, frame);
}

static struct pm_text_options text_options(struct pm_run *run)
{
    const struct pm_options *options = &run->options;

    return (struct pm_text_options){
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
        .source_context = &run->output.source,
    };
}

/* NULL: this format is not written. */
static const struct pm_sink *sink_of(struct pm_output *output, size_t format, const struct pm_sink *log)
{
    switch (pm_format_at(format)->channel) {
    case PM_CHANNEL_LOG:
        return log;
    case PM_CHANNEL_XML:
        return output->options.xml ? &output->xml : NULL;
    case PM_CHANNEL_FILE:
        return log == &output->log ? &output->files[format].sink : NULL;
    }
    return NULL;
}

void pm_output_open_for(struct pm_run *run, struct pm_writers *writers, const struct pm_sink *log)
{
    struct pm_output *output = &run->output;

    pm_writers_init(writers);
    for (size_t i = 0; i < PM_FORMAT_COUNT; i++) {
        const struct pm_sink *sink = sink_of(output, i, log);
        if (sink != NULL)
            pm_writers_add(writers, pm_format_at(i), &output->options, sink);
    }
}

/* The name of format's file; free it. If the program that is about to run has the
   same process number and will be profiled too, its file must not replace this one. */
static char *expanded_name(const struct pm_run *run, enum pm_end end, const struct pm_format *format)
{
    const char *more = end == PM_END_EXEC && pm_options_trace_children() ? EXEC_SUFFIX : "";
    char *name = VG_(expand_file_name)("--pymemcheck-out-file", run->options.out_file);

    name = VG_(realloc)("pm.name", name,
                        VG_(strlen)(name) + VG_(strlen)(format->suffix) + VG_(strlen)(more) + 1);
    VG_(strcat)(name, format->suffix);
    VG_(strcat)(name, more);
    return name;
}

void pm_output_init(struct pm_run *run)
{
    struct pm_output *output = &run->output;

    VG_(free)(VG_(expand_file_name)("--pymemcheck-out-file", run->options.out_file));
    output->log = (struct pm_sink){ .write = write_to_log };
    output->xml = (struct pm_sink){ .write = write_to_xml };
    output->options = (struct pm_writer_options){
        .text = text_options(run),
        .xml = VG_(clo_xml),
        .suggestions = { .write = write_suggestion },
        .address = address_of,
        .address_context = run,
    };
    for (size_t i = 0; i < PM_FORMAT_COUNT; i++)
        output->files[i].sink = (struct pm_sink){ write_to_file, &output->files[i] };
    pm_output_open_for(run, &output->writers, &output->log);
}

/* --- The profile --- */

/* argv of the program. The caller owns the array, the core owns the texts. */
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
    pm_native_add_lines(&run->native);
    pm_sites_settle(&run->sites);
    report->profile = freeze(run, end, exit_status);
    report->profile.command = report->command = command_of(&report->profile.command_length);
    pm_buffer_init(&report->python);
    describe_python(run, &report->profile, &report->python);
    pm_source_init(&run->output.source);
}

void pm_output_end(struct pm_run *run, struct pm_report *report)
{
    pm_source_release(&run->output.source);
    pm_buffer_release(&report->python);
    pm_free(report->command);
}

/* --- Files --- */

/* A device or a pipe is written directly: a rename would replace it. */
static bool is_special(const char *name)
{
    struct vg_stat status;
    return !sr_isError(VG_(stat)(name, &status)) && !VKI_S_ISREG(status.mode);
}

static int open_file(const char *name)
{
    return VG_(fd_open)(name, VKI_O_CREAT | VKI_O_TRUNC | VKI_O_WRONLY,
                        VKI_S_IRUSR | VKI_S_IWUSR | VKI_S_IRGRP | VKI_S_IROTH);
}

/* Under a temporary name first: a reader sees a whole file or none. */
static void begin_file(const struct pm_run *run, const struct pm_profile *profile,
                       const struct pm_format *format, struct pm_output_file *file)
{
    file->name = expanded_name(run, profile->end, format);
    file->direct = is_special(file->name);
    pm_buffer_init(&file->temporary);
    pm_buffer_add_text(&file->temporary, file->name);
    if (!file->direct) {
        pm_buffer_add_text(&file->temporary, ".tmp");
        pm_buffer_add_u64(&file->temporary, profile->pid);
    }
    file->fd = open_file(file->temporary.bytes);
    file->failed = file->fd < 0;
}

static void end_file(struct pm_output_file *file)
{
    if (file->fd >= 0)
        VG_(close)(file->fd);
    if (!file->failed && !file->direct)
        file->failed = VG_(rename)(file->temporary.bytes, file->name) != 0;
    if (file->failed && !file->direct)
        VG_(unlink)(file->temporary.bytes);
    if (file->failed)
        VG_(umsg)("pymemcheck: error: cannot write the profile to '%s'"
                  " (--pymemcheck-out-file); the text report is complete.\n", file->name);
    else
        VG_(umsg)("Profile written to %s\n", file->name);
    pm_buffer_release(&file->temporary);
    VG_(free)(file->name);
}

void pm_output_write(struct pm_run *run, enum pm_end end, int exit_status)
{
    struct pm_output *output = &run->output;
    struct pm_losses losses;
    struct pm_report report;
    bool searched = pm_leak_report_search_at_end(run, &losses);

    pm_output_begin(run, end, exit_status, &report);
    report.profile.losses = searched ? &losses : NULL;
    report.profile.losses_before = run->searched_before ? &run->losses_before : NULL;
    for (size_t i = 0; i < PM_FORMAT_COUNT; i++)
        if (pm_format_at(i)->channel == PM_CHANNEL_FILE)
            begin_file(run, &report.profile, pm_format_at(i), &output->files[i]);
    pm_writers_begin(&output->writers, &report.profile);
    /* A leak that both searches found is one error. */
    if (run->searched_before)
        pm_leak_report_write(run, &report.profile, PM_SEARCH_BEFORE_FINALIZATION,
                             &run->losses_before, !searched);
    if (searched)
        pm_leak_report_write(run, &report.profile, PM_SEARCH_AT_EXIT, &losses, true);
    pm_writers_end(&output->writers, &report.profile);
    for (size_t i = 0; i < PM_FORMAT_COUNT; i++)
        if (pm_format_at(i)->channel == PM_CHANNEL_FILE)
            end_file(&output->files[i]);
    pm_output_end(run, &report);
    if (searched)
        pm_losses_release(&losses);
}
