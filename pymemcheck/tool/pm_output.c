/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_libcfile.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_mallocfree.h"
#include "pub_tool_options.h"

#include "tool/pm_output.h"

#include "base/pm_buffer.h"
#include "report/pm_utf8.h"
#include "tool/pm_run.h"

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
        .draw_histograms = options->draw_histograms,
        .table_top = options->table_top,
        .paths = !options->paths_given ? PM_TEXT_PATHS_DEFAULT
            : options->full_paths ? PM_TEXT_PATHS_FULL : PM_TEXT_PATHS_BASE,
        .native_frames = (unsigned)VG_(clo_backtrace_size),
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

void pm_output_init(struct pm_run *run)
{
    struct pm_output *output = &run->output;

    VG_(free)(pm_profile_file_name(run->options.out_file, "", false));
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
        pm_profile_file_init(&output->files[i]);
    pm_output_open_for(run, &output->writers, &output->log);
}

static bool has_file(struct pm_output *output, size_t format)
{
    return pm_format_at(format)->channel == PM_CHANNEL_FILE
        && sink_of(output, format, &output->log) != NULL;
}

/* The file of the last snapshot has the name that the next program's will have. */
static void remove_snapshot(struct pm_run *run, const struct pm_format *format)
{
    char *name = pm_profile_file_name(run->options.out_file, format->suffix, false);

    VG_(unlink)(name);
    VG_(free)(name);
}

void pm_output_remove_snapshots(struct pm_run *run)
{
    for (size_t i = 0; run->output.wrote_snapshot && i < PM_FORMAT_COUNT; i++)
        if (has_file(&run->output, i))
            remove_snapshot(run, pm_format_at(i));
    run->output.wrote_snapshot = false;
}

void pm_output_begin(struct pm_run *run, const struct pm_profile *profile)
{
    struct pm_output *output = &run->output;
    const bool before_exec = profile->end == PM_END_EXEC && pm_options_trace_children();

    if (before_exec)
        pm_output_remove_snapshots(run);
    for (size_t i = 0; i < PM_FORMAT_COUNT; i++)
        if (has_file(output, i))
            pm_profile_file_begin(&output->files[i],
                                  pm_profile_file_name(run->options.out_file,
                                                       pm_format_at(i)->suffix, before_exec));
    pm_writers_begin(&output->writers, profile);
}

static void end_file(struct pm_profile_file *file)
{
    struct pm_buffer shown;

    pm_buffer_init(&shown);
    pm_utf8_add_harmless(&shown, file->name, VG_(strlen)(file->name));
    if (pm_profile_file_end(file))
        VG_(umsg)("Profile written to %s\n", shown.bytes);
    else
        VG_(umsg)("pymemcheck: error: cannot write the profile to '%s'"
                  " (--pymemcheck-out-file); the text report is complete.\n", shown.bytes);
    pm_buffer_release(&shown);
}

static void forget_names(struct pm_output *output)
{
    for (size_t i = 0; i < PM_FORMAT_COUNT; i++) {
        VG_(free)(output->files[i].name);
        output->files[i].name = NULL;
    }
}

void pm_output_end(struct pm_run *run, const struct pm_profile *profile)
{
    struct pm_output *output = &run->output;

    pm_writers_end(&output->writers, profile);
    for (size_t i = 0; i < PM_FORMAT_COUNT; i++)
        if (has_file(output, i))
            end_file(&output->files[i]);
    output->exec_begins = profile->end == PM_END_EXEC;
    if (!output->exec_begins)
        forget_names(output);
}

static void write_file(struct pm_run *run, const struct pm_format *format, const struct pm_profile *profile)
{
    struct pm_profile_file file;
    struct pm_writers writers;
    char *name = pm_profile_file_name(run->options.out_file, format->suffix, false);

    if (!pm_profile_file_is_special(name)) {
        pm_profile_file_init(&file);
        pm_profile_file_begin(&file, name);
        pm_writers_init(&writers);
        pm_writers_add(&writers, format, &run->output.options, &file.sink);
        pm_writers_begin(&writers, profile);
        pm_writers_end(&writers, profile);
        pm_writers_release(&writers);
        run->output.wrote_snapshot = pm_profile_file_end(&file);
        if (!run->output.wrote_snapshot && !run->output.told_unwritten) {
            run->output.told_unwritten = true;
            VG_(umsg)("pymemcheck: warning: cannot write the profile at a snapshot (--pymemcheck-out-file).\n");
        }
    }
    VG_(free)(name);
}

void pm_output_write_files(struct pm_run *run, const struct pm_profile *profile)
{
    for (size_t i = 0; i < PM_FORMAT_COUNT; i++)
        if (has_file(&run->output, i))
            write_file(run, pm_format_at(i), profile);
}

bool pm_output_exec_failed(struct pm_run *run)
{
    struct pm_output *output = &run->output;

    if (!output->exec_begins)
        return false;
    for (size_t i = 0; i < PM_FORMAT_COUNT && pm_options_trace_children(); i++)
        if (output->files[i].name != NULL)
            VG_(unlink)(output->files[i].name);
    forget_names(output);
    output->exec_begins = false;
    return true;
}
