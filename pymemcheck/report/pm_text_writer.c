/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text report, for Valgrind's log. Every event is written when it comes. */
#include "base/pm_platform.h"
#include "heap/pm_suggestions.h"
#include "report/pm_formats.h"
#include "report/pm_text_parts.h"

struct text_writer {
    const struct pm_writer_options *options;
    const struct pm_sink *log;
    struct pm_text text;        /* during a search */
    u32 reachable;              /* ... records of reachable blocks that were shown */
};

static void *open_text(const struct pm_writer_options *options, const struct pm_sink *sink)
{
    struct text_writer *writer = pm_alloc("pm.text_writer", sizeof *writer);

    *writer = (struct text_writer){ .options = options, .log = sink };
    return writer;
}

static void write_profile(void *state, const struct pm_profile *profile)
{
    struct text_writer *writer = state;
    struct pm_text text;
    struct pm_frame_sums sums;

    pm_text_init(&text, profile, &writer->options->text, writer->log);
    pm_frame_sums_build(&sums, profile);
    pm_text_write_summary(&text);
    pm_text_write_phases(&text);
    pm_text_write_histograms(&text, &sums);
    pm_text_write_peak(&text, &sums);
    pm_text_write_before(&text, &sums);
    pm_text_write_live(&text, &sums);
    pm_frame_sums_release(&sums);
    pm_text_release(&text);
}

static void write_conclusion(void *state, const struct pm_profile *profile)
{
    struct text_writer *writer = state;
    struct pm_text text;
    struct pm_frame_sums sums;

    pm_text_init(&text, profile, &writer->options->text, writer->log);
    pm_frame_sums_build(&sums, profile);
    pm_text_write_conclusion(&text, &sums);
    pm_frame_sums_release(&sums);
    pm_text_release(&text);
}

static void begin_search(void *state, const struct pm_profile *profile, enum pm_search_moment moment)
{
    static const char *const headings[] = {
        [PM_SEARCH_BEFORE_FINALIZATION] = "Leaks before the interpreter's finalization:",
        [PM_SEARCH_AT_EXIT] = "Leaks at exit:",
        [PM_SEARCH_ON_REQUEST] = "Leaks at this moment:",
    };
    struct text_writer *writer = state;

    writer->reachable = 0;
    pm_text_init(&writer->text, profile, &writer->options->text, writer->log);
    pm_text_put_line(&writer->text, headings[moment]);
    pm_text_end_line(&writer->text);
}

static void write_loss(void *state, const struct pm_loss *loss, u32 number, u32 count)
{
    struct text_writer *writer = state;

    if (writer->options->xml)
        return;
    pm_text_write_loss(&writer->text, loss, number, count);
    writer->reachable += loss->kind == PM_LOSS_REACHABLE;
}

/* Says how many records of reachable blocks are not shown, if some are. */
static void write_more_reachable(struct text_writer *writer, const struct pm_losses *losses)
{
    u32 all = 0;

    for (u32 i = 0; i < losses->count; i++)
        all += losses->records[i].kind == PM_LOSS_REACHABLE && !losses->records[i].suppressed
            && !losses->records[i].left_out;
    if (writer->reachable == 0 || all <= writer->reachable)
        return;
    pm_text_add(&writer->text, "... and ");
    pm_text_add_counted(&writer->text, all - writer->reachable, "more record");
    pm_text_put_line(&writer->text, " of blocks that are still reachable (--histogram-top=0 shows all)");
    pm_text_end_line(&writer->text);
}

static void end_search(void *state, const struct pm_losses *losses)
{
    struct text_writer *writer = state;

    write_more_reachable(writer, losses);
    pm_text_write_leak_summary(&writer->text, losses);
    pm_text_release(&writer->text);
}

/* Comes while the program runs, so its labels are made from the files known by now: names would
   change from one error to the next. Paths are whole instead. */
static void write_wrong_free(void *state, const struct pm_tables *tables,
                             const struct pm_wrong_free *wrong)
{
    const struct text_writer *writer = state;
    const struct pm_profile profile = {
        .strings = tables->strings,
        .frames = tables->frames,
        .stacks = tables->stacks,
    };
    const struct pm_text_options options = { .paths = PM_TEXT_PATHS_FULL };
    struct pm_text text;

    if (writer->options->xml)
        return;
    pm_text_init(&text, &profile, &options, writer->log);
    pm_text_write_wrong_free(&text, wrong);
    pm_text_release(&text);
}

static void write_suggestion(void *state, const struct pm_tables *tables,
                             const struct pm_suppression_subject *subject)
{
    const struct text_writer *writer = state;
    struct pm_buffer entry;

    if (writer->options->xml)
        return;
    pm_buffer_init(&entry);
    pm_suggestion_add(&entry, tables, subject);
    pm_sink_write(&writer->options->suggestions, entry.bytes, entry.length);
    pm_buffer_release(&entry);
}

const struct pm_format pm_text_format = {
    .name = "text",
    .channel = PM_CHANNEL_LOG,
    .open = open_text,
    .close = pm_free,
    .begin = write_profile,
    .end = write_conclusion,
    .search_begin = begin_search,
    .loss = write_loss,
    .search_end = end_search,
    .wrong_free = write_wrong_free,
    .suggestion = write_suggestion,
};
