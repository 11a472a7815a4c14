/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables of the same shape: the blocks that were allocated at the peak, those before the
   interpreter's finalization if that was looked at, and those that are still allocated at exit. The largest row is first. Rows count bytes as the program asked for
   them. Padding of debug hooks has a row of its own before the last line, so that the column
   adds up to the figure of the heap summary. In a run without Python lines the rows are C
   callers. */
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

/* What a table counts. */
struct moment {
    enum pm_order order;
    const char *heading;        /* before ", by Python line:" */
    const char *last_line;
    u64 bytes, blocks;          /* of the heap summary */
};

/* The sums over all rows of a table. */
static u64 all_bytes(const struct pm_aggregate *aggregate, const struct moment *moment)
{
    return moment->order == PM_ORDER_PEAK_BYTES ? aggregate->peak_bytes
        : moment->order == PM_ORDER_BEFORE_BYTES ? aggregate->before_bytes : aggregate->live_bytes;
}

static u64 all_blocks(const struct pm_aggregate *aggregate, const struct moment *moment)
{
    return moment->order == PM_ORDER_PEAK_BYTES ? aggregate->peak_blocks
        : moment->order == PM_ORDER_BEFORE_BYTES ? aggregate->before_blocks : aggregate->live_blocks;
}

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

void pm_text_add_line_label(struct pm_text *text, const struct pm_row *row)
{
    pm_labels_add_python_line(&text->labels, &text->line, row->file, row->line, row->function,
                              text->options->paths == PM_TEXT_PATHS_FULL);
}

void pm_text_add_caller_label(struct pm_text *text, const struct pm_row *row)
{
    pm_labels_add_object(&text->labels, &text->line, row->object);
    pm_text_add(text, "`");
    pm_labels_add_function(&text->labels, &text->line, row->function);
}

static void put_rows(struct pm_text *text, const struct moment *moment,
                     const struct pm_aggregate *aggregate, bool by_line)
{
    size_t top = text->options->table_top;
    size_t shown = top != 0 && top < aggregate->count ? top : aggregate->count;
    u64 bytes = 0, blocks = 0;

    for (size_t i = 0; i < aggregate->count; i++) {
        const struct pm_row *row = pm_aggregate_row(aggregate, i);
        if (i >= shown) {
            bytes += pm_row_bytes(row, moment->order);
            blocks += pm_row_blocks(row, moment->order);
            continue;
        }
        add_figures(text, pm_row_bytes(row, moment->order), pm_row_blocks(row, moment->order));
        if (by_line)
            pm_text_add_line_label(text, row);
        else
            pm_text_add_caller_label(text, row);
        pm_text_end_line(text);
        if (by_line)
            pm_text_put_source(text, row->file, row->line, SOURCE_INDENT);
    }
    if (shown == aggregate->count)
        return;
    add_figures(text, bytes, blocks);
    pm_text_add(text, "(");
    pm_text_add_counted(text, aggregate->count - shown, "smaller row");
    pm_text_put_line(text, " left out; --histogram-top=0 shows all)");
}

/* bytes: as requested, over all rows. */
static void put_totals(struct pm_text *text, const struct moment *moment, u64 bytes, u64 blocks)
{
    pm_buffer_add_repeated(&text->line, ' ', 2);
    pm_buffer_add_repeated(&text->line, '-', LABEL_COLUMN - 4);
    pm_text_end_line(text);
    if (moment->bytes > bytes) {
        put_figures(text, bytes, blocks, "as requested");
        pm_text_add_number_right(text, moment->bytes - bytes, BYTES_COLUMNS);
        pm_buffer_add_repeated(&text->line, ' ', LABEL_COLUMN - BYTES_COLUMNS);
        pm_text_put_line(text, "padding added by CPython's debug hooks");
    }
    put_figures(text, moment->bytes, moment->blocks, moment->last_line);
}

static void put_table(struct pm_text *text, const struct moment *moment,
                      const struct pm_aggregate *lines, const struct pm_aggregate *callers,
                      bool by_line)
{
    pm_text_add(text, "           bytes      blocks     average  ");
    pm_text_put_line(text, by_line ? "line" : "caller");
    if (!by_line)
        put_rows(text, moment, callers, false);
    else
        put_rows(text, moment, lines, true);
    if (by_line && all_blocks(callers, moment) > 0)
        put_figures(text, all_bytes(callers, moment), all_blocks(callers, moment), "no Python frame");
    put_totals(text, moment, all_bytes(lines, moment) + all_bytes(callers, moment),
               all_blocks(lines, moment) + all_blocks(callers, moment));
}

static void write_moment(struct pm_text *text, const struct pm_frame_sums *sums,
                         const struct moment *moment)
{
    struct pm_aggregate lines, callers;

    pm_aggregate_build(&lines, sums, PM_GROUP_LINE, moment->order, text->options->table_top);
    pm_aggregate_build(&callers, sums, PM_GROUP_CALLER, moment->order, text->options->table_top);
    bool by_line = lines.count > 0
        || (text->profile->python != NULL && text->profile->python_refused == NULL);

    pm_text_add(text, moment->heading);
    pm_text_put_line(text, by_line ? ", by Python line:" : ", by C function:");
    pm_text_end_line(text);
    if (moment->blocks == 0)
        pm_text_put_line(text, "   none: every block was freed");
    else
        put_table(text, moment, &lines, &callers, by_line);
    pm_text_end_line(text);
    pm_aggregate_release(&lines);
    pm_aggregate_release(&callers);
}

void pm_text_write_peak(struct pm_text *text, const struct pm_frame_sums *sums)
{
    if (text->profile->peak_blocks > 0)
        write_moment(text, sums, &(struct moment){
            .order = PM_ORDER_PEAK_BYTES,
            .heading = "Blocks allocated at the peak",
            .last_line = "peak heap usage",
            .bytes = text->profile->peak_bytes,
            .blocks = text->profile->peak_blocks,
        });
}

void pm_text_write_before(struct pm_text *text, const struct pm_frame_sums *sums)
{
    const struct pm_sites_moment *before = text->profile->before;

    if (before != NULL)
        write_moment(text, sums, &(struct moment){
            .order = PM_ORDER_BEFORE_BYTES,
            .heading = "Blocks allocated before the interpreter's finalization",
            .last_line = "in use then",
            .bytes = before->live_bytes,
            .blocks = before->live_blocks,
        });
}

void pm_text_write_live(struct pm_text *text, const struct pm_frame_sums *sums)
{
    write_moment(text, sums, &(struct moment){
        .order = PM_ORDER_LIVE_BYTES,
        .heading = "Blocks still allocated at exit",
        .last_line = "in use at exit",
        .bytes = text->profile->live_bytes,
        .blocks = text->profile->live_blocks,
    });
}
