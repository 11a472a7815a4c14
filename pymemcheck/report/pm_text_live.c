/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The blocks that are still allocated, largest row first. Rows count bytes as the program
   asked for them. Padding of debug hooks has a row of its own before the last line, so that
   the column adds up to "in use at exit" of the heap summary. In a run without Python lines
   the rows are C callers. */
#include "base/pm_platform.h"
#include "report/pm_text_parts.h"
#include "report/pm_utf8.h"

enum {
    BYTES_COLUMNS = 16,
    BLOCKS_COLUMNS = 12,
    AVERAGE_COLUMNS = 12,
    LABEL_COLUMN = BYTES_COLUMNS + BLOCKS_COLUMNS + AVERAGE_COLUMNS + 2,
    SOURCE_INDENT = LABEL_COLUMN + 4,
    SOURCE_COLUMNS = 60,        /* of the source line's text */
};

/* The first three columns. Without blocks there is no average. */
static void add_figures(struct pm_text *text, u64 bytes, u64 blocks)
{
    pm_text_add_number_right(text, bytes, BYTES_COLUMNS);
    pm_text_add_number_right(text, blocks, BLOCKS_COLUMNS);
    if (blocks > 0)
        pm_text_add_number_right(text, bytes / blocks + (bytes % blocks >= (blocks + 1) / 2),
                                 AVERAGE_COLUMNS);
    else
        pm_buffer_add_repeated(&text->line, ' ', AVERAGE_COLUMNS);
    pm_text_add(text, "  ");
}

static void put_figures(struct pm_text *text, u64 bytes, u64 blocks, const char *label)
{
    add_figures(text, bytes, blocks);
    pm_text_put_line(text, label);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

/* Appends the source line without blanks at its ends, with tabs made spaces, cut to
   SOURCE_COLUMNS. */
static void add_source(struct pm_buffer *out, char *source, size_t length)
{
    while (length > 0 && is_blank(source[length - 1]))
        length--;
    while (length > 0 && is_blank(*source)) {
        source++;
        length--;
    }
    for (size_t i = 0; i < length; i++)
        if (source[i] == '\t')
            source[i] = ' ';

    struct pm_buffer shown;
    pm_buffer_init(&shown);
    pm_utf8_add_harmless(&shown, source, length);
    size_t cut = 0, columns = 0;
    while (cut < shown.length && columns < SOURCE_COLUMNS) {
        u32 c;
        cut += pm_utf8_decode(shown.bytes + cut, shown.length - cut, &c);
        columns++;
    }
    pm_buffer_add_bytes(out, shown.bytes, cut);
    if (cut < shown.length)
        pm_buffer_add_text(out, "...");
    pm_buffer_release(&shown);
}

void pm_text_put_source(struct pm_text *text, struct pm_string_id file, u32 line, size_t indent)
{
    const struct pm_text_options *options = text->options;
    struct pm_buffer source;

    if (options->source_line == NULL || line == 0)
        return;
    pm_buffer_init(&source);
    if (options->source_line(options->source_context,
                             pm_strings_text(text->profile->strings, file), line, &source)) {
        pm_buffer_add_repeated(&text->line, ' ', indent);
        size_t before = text->line.length;
        add_source(&text->line, source.bytes, source.length);
        if (text->line.length > before)
            pm_text_end_line(text);
        else
            pm_buffer_clear(&text->line);
    }
    pm_buffer_release(&source);
}

static void put_row(struct pm_text *text, enum pm_group group, const struct pm_row *row)
{
    add_figures(text, row->figures.live_bytes, row->figures.live_blocks);
    if (group == PM_GROUP_CALLER) {
        pm_labels_add_object(&text->labels, &text->line, row->object);
        pm_text_add(text, "`");
        pm_labels_add_function(&text->labels, &text->line, row->function);
        pm_text_end_line(text);
        return;
    }
    pm_labels_add_file(&text->labels, &text->line, row->file,
                       text->options->paths == PM_TEXT_PATHS_FULL);
    pm_text_add(text, ":");
    pm_labels_add_line(&text->line, row->line);
    pm_text_add(text, " (");
    pm_labels_add_function(&text->labels, &text->line, row->function);
    pm_text_put_line(text, ")");
    pm_text_put_source(text, row->file, row->line, SOURCE_INDENT);
}

static void put_rows(struct pm_text *text, enum pm_group group,
                     const struct pm_aggregate *aggregate)
{
    size_t top = text->options->live_top;
    size_t shown = top != 0 && top < aggregate->count ? top : aggregate->count;
    u64 bytes = 0, blocks = 0;

    for (size_t i = 0; i < shown; i++)
        put_row(text, group, pm_aggregate_row(aggregate, i));
    if (shown == aggregate->count)
        return;
    for (size_t i = shown; i < aggregate->count; i++) {
        bytes += pm_aggregate_row(aggregate, i)->figures.live_bytes;
        blocks += pm_aggregate_row(aggregate, i)->figures.live_blocks;
    }
    add_figures(text, bytes, blocks);
    pm_text_add(text, "(");
    pm_text_add_counted(text, aggregate->count - shown, "smaller row");
    pm_text_put_line(text, " left out; --histogram-top=0 shows all)");
}

/* bytes: as requested, over all rows. */
static void put_totals(struct pm_text *text, u64 bytes, u64 blocks)
{
    u64 in_use = text->profile->live_bytes;

    pm_buffer_add_repeated(&text->line, ' ', 2);
    pm_buffer_add_repeated(&text->line, '-', LABEL_COLUMN - 4);
    pm_text_end_line(text);
    if (in_use > bytes) {
        put_figures(text, bytes, blocks, "as requested");
        pm_text_add_number_right(text, in_use - bytes, BYTES_COLUMNS);
        pm_buffer_add_repeated(&text->line, ' ', LABEL_COLUMN - BYTES_COLUMNS);
        pm_text_put_line(text, "padding added by CPython's debug hooks");
    }
    put_figures(text, in_use, text->profile->live_blocks, "in use at exit");
}

void pm_text_write_live(struct pm_text *text, const struct pm_frame_sums *sums)
{
    struct pm_aggregate lines, callers;

    pm_aggregate_build(&lines, sums, PM_GROUP_LINE, PM_ORDER_LIVE_BYTES,
                       text->options->live_top);
    pm_aggregate_build(&callers, sums, PM_GROUP_CALLER, PM_ORDER_LIVE_BYTES,
                       text->options->live_top);
    bool by_line = lines.count > 0
        || (text->profile->python != NULL && text->profile->python_refused == NULL);

    pm_text_add(text, "Blocks still allocated at exit, by ");
    pm_text_put_line(text, by_line ? "Python line:" : "engine caller:");
    pm_text_end_line(text);
    if (text->profile->live_blocks == 0) {
        pm_text_put_line(text, "   none: every block was freed");
    } else {
        pm_text_add(text, "           bytes      blocks     average  ");
        pm_text_put_line(text, by_line ? "line" : "caller");
        if (by_line) {
            put_rows(text, PM_GROUP_LINE, &lines);
            if (callers.live_blocks > 0)
                put_figures(text, callers.live_bytes, callers.live_blocks, "no Python frame");
        } else {
            put_rows(text, PM_GROUP_CALLER, &callers);
        }
        put_totals(text, lines.live_bytes + callers.live_bytes,
                   lines.live_blocks + callers.live_blocks);
    }
    pm_text_end_line(text);
    pm_aggregate_release(&lines);
    pm_aggregate_release(&callers);
}
