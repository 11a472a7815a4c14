/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Histograms in the shape that DTrace's quantize() prints, known from py_malloc.d and
   py_mallocstk.d. 40 columns stand for all of a histogram's counts. A bar is 40 * count /
   total columns long, rounded to the nearest whole column, halves upwards: this rule gives
   every bar of the published outputs. One empty row stands before the first row and one after
   the last, but none before the row of value 0. */
#include "base/pm_platform.h"
#include "report/pm_text_parts.h"

enum {
    BAR_COLUMNS = 40,
    VALUE_COLUMNS = 16,
    COUNT_COLUMNS = 9,
    STACK_INDENT = 14,
    PYTHON_INDENT = 16,
};

struct kind {
    enum pm_group group;
    const char *words;          /* after "Python malloc byte distributions by " */
    const char *drawn_words;    /* the same above drawn histograms: those of py_malloc.d */
    const char *explanation;    /* after drawn_words */
    const char *noun;           /* what a row is */
    bool needs_python;
};

static const struct kind kinds[] = {
    { PM_GROUP_CALLER, "C function, while no Python function ran", "engine caller", " (C function, while no Python function ran)", "caller", false },
    { PM_GROUP_FUNCTION, "Python file and function", "Python file and function", "", "function", true },
    { PM_GROUP_LINE, "Python file and line", "Python file and line", "", "line", true },
    { PM_GROUP_STACK, "stack trace", "stack trace", "", "stack", false },
};

static void add_words(struct pm_text *text, const struct kind *kind)
{
    pm_text_add(text, text->options->draw_histograms ? kind->drawn_words : kind->words);
}

static void put_bar(struct pm_text *text, u64 value, u64 count, u64 total)
{
    u64 length = total == 0 ? 0 : (count * BAR_COLUMNS + total / 2) / total;
    size_t start;

    pm_buffer_add_u64_right(&text->line, value, VALUE_COLUMNS);
    pm_text_add(text, " |");
    pm_buffer_add_repeated(&text->line, '@', length);
    pm_buffer_add_repeated(&text->line, ' ', BAR_COLUMNS + 1 - length);
    start = text->line.length;
    pm_buffer_add_u64(&text->line, count);
    size_t digits = text->line.length - start;
    pm_buffer_add_repeated(&text->line, ' ', digits < COUNT_COLUMNS ? COUNT_COLUMNS - digits : 0);
    pm_text_end_line(text);
}

static void put_histogram(struct pm_text *text, const struct pm_histogram *sizes)
{
    u64 total = 0;
    unsigned first = PM_HISTOGRAM_BINS, last = 0;

    for (unsigned bin = 0; bin < PM_HISTOGRAM_BINS; bin++) {
        u64 count = pm_histogram_count(sizes, bin);
        if (count == 0)
            continue;
        total += count;
        first = first == PM_HISTOGRAM_BINS ? bin : first;
        last = bin;
    }
    pm_text_put_line(text, "           bytes  ------------- Distribution ------------- count    ");
    for (unsigned bin = first > 0 ? first - 1 : 0; total > 0 && bin <= last + 1; bin++)
        put_bar(text, pm_histogram_bin_value(bin), pm_histogram_count(sizes, bin), total);
    pm_text_end_line(text);
}

static void add_total_of_row(struct pm_text *text, const char *words, const struct pm_row *row)
{
    pm_text_add(text, words);
    pm_buffer_add_u64(&text->line, row->figures.total_bytes);
}

/* The heading of a row's histogram, without the end of the line. */
static void add_label(struct pm_text *text, enum pm_group group, const struct pm_row *row)
{
    bool full = text->options->paths == PM_TEXT_PATHS_FULL;

    pm_text_add(text, "   ");
    switch (group) {
    case PM_GROUP_CALLER:
        pm_labels_add_object(&text->labels, &text->line, row->object);
        pm_text_add(text, "`");
        pm_labels_add_function(&text->labels, &text->line, row->function);
        add_total_of_row(text, ", total bytes = ", row);
        break;
    case PM_GROUP_FUNCTION:
        pm_labels_add_file(&text->labels, &text->line, row->file, full);
        pm_text_add(text, ", ");
        pm_labels_add_function(&text->labels, &text->line, row->function);
        add_total_of_row(text, ", bytes total = ", row);
        break;
    case PM_GROUP_LINE:
        pm_labels_add_file(&text->labels, &text->line, row->file, full);
        pm_text_add(text, ":");
        pm_labels_add_line(&text->line, row->line);
        pm_text_add(text, " (");
        pm_labels_add_function(&text->labels, &text->line, row->function);
        add_total_of_row(text, "), bytes total = ", row);
        break;
    case PM_GROUP_STACK:
        add_total_of_row(text, "stack trace, total bytes = ", row);
        break;
    }
}

static void put_stack(struct pm_text *text, struct pm_stack_id stack)
{
    const struct pm_text_options *options = text->options;
    const struct pm_profile *profile = text->profile;
    struct pm_text_left_out left_out = pm_text_left_out_begin(text, stack);

    if (stack.v == 0)
        pm_text_put_line(text, "                [ no stack ]");
    while (stack.v != 0) {
        struct pm_stack_node node = pm_stacks_node(profile->stacks, stack);
        const struct pm_frame *frame = pm_frames_get(profile->frames, node.frame);
        bool is_native = frame->kind == PM_FRAME_NATIVE;
        stack = node.parent;
        if (!pm_text_counts(text, &left_out, frame))
            continue;
        pm_text_put_hidden(text, &left_out, PYTHON_INDENT);
        pm_buffer_add_repeated(&text->line, ' ', is_native ? STACK_INDENT : PYTHON_INDENT);
        pm_labels_add_frame(&text->labels, &text->line, frame,
                            options->paths != PM_TEXT_PATHS_BASE);
        pm_text_end_line(text);
    }
    pm_text_put_hidden(text, &left_out, PYTHON_INDENT);
    pm_text_end_line(text);
}

/* Sums up the rows that are not shown: count rows from first on, and those that the aggregate
   itself left out. */
static void put_left_out(struct pm_text *text, const struct pm_aggregate *aggregate, size_t first,
                         size_t count)
{
    u64 rows = aggregate->left_out + count;
    u64 bytes = aggregate->left_out_bytes, blocks = aggregate->left_out_blocks;

    if (rows == 0)
        return;
    for (size_t i = first; i < first + count; i++) {
        bytes += pm_aggregate_row(aggregate, i)->figures.total_bytes;
        blocks += pm_aggregate_row(aggregate, i)->figures.total_blocks;
    }
    pm_text_add(text, "   (");
    pm_text_add_counted(text, rows, "smaller row");
    pm_text_add(text, " left out: ");
    pm_text_add_bytes_in_blocks(text, bytes, blocks);
    pm_text_put_line(text, "; --histogram-top=0 shows all)");
    pm_text_end_line(text);
}

/* Instead of bars: how many requests, and the range of sizes that most of them had. */
static void add_sizes(struct pm_text *text, const struct pm_row *row)
{
    unsigned most = 0;

    for (unsigned bin = 1; bin < PM_HISTOGRAM_BINS; bin++)
        if (pm_histogram_count(&row->figures.sizes, bin) > pm_histogram_count(&row->figures.sizes, most))
            most = bin;
    pm_text_add(text, " in ");
    pm_text_add_counted(text, row->figures.total_blocks, "request");
    pm_text_add(text, row->figures.total_blocks == 1 ? " of " : ", most of ");
    pm_text_add_number(text, pm_histogram_bin_value(most));
    if (most > 1) {
        pm_text_add(text, " to ");
        pm_text_add_number(text, pm_histogram_bin_value(most) * 2 - 1);
    }
    pm_text_add(text, most == 1 ? " byte" : " bytes");
}

/* A line for each row. The line of a stack is that of its innermost Python frame. */
static void put_short_rows(struct pm_text *text, enum pm_group group, const struct pm_aggregate *aggregate,
                           size_t from)
{
    for (size_t i = from; i < aggregate->count; i++) {
        const struct pm_row *row = pm_aggregate_row(aggregate, i);
        const struct pm_frame *frame = group == PM_GROUP_STACK
            ? pm_profile_python_frame(text->profile, row->stack) : NULL;

        add_label(text, group, row);
        add_sizes(text, row);
        if (frame != NULL) {
            pm_text_add(text, ", ");
            pm_labels_add_frame(&text->labels, &text->line, frame, text->options->paths == PM_TEXT_PATHS_FULL);
        }
        pm_text_end_line(text);
    }
}

static void put_drawn_rows(struct pm_text *text, enum pm_group group, const struct pm_aggregate *aggregate,
                           size_t from)
{
    for (size_t i = from; i < aggregate->count; i++) {
        const struct pm_row *row = pm_aggregate_row(aggregate, i);

        add_label(text, group, row);
        pm_text_end_line(text);
        if (group == PM_GROUP_STACK)
            put_stack(text, row->stack);
        put_histogram(text, &row->figures.sizes);
    }
}

static void put_total(struct pm_text *text, const struct kind *kind, const struct pm_aggregate *aggregate,
                      size_t rows)
{
    pm_text_add(text, "   All by ");
    add_words(text, kind);
    pm_text_add(text, ": ");
    pm_text_add_bytes_in_blocks(text, aggregate->total_bytes, aggregate->total_blocks);
    pm_text_add(text, ", ");
    pm_text_add_counted(text, rows, kind->noun);
    pm_text_end_line(text);
}

static void put_group(struct pm_text *text, const struct kind *kind,
                      const struct pm_aggregate *aggregate)
{
    size_t first = 0, top = text->options->histogram_top;

    /* Rows that only have blocks moved to them, and requested none, have no sizes. Their
       totals are zero, so they come first. */
    while (first < aggregate->count
            && pm_aggregate_row(aggregate, first)->figures.total_blocks == 0)
        first++;
    size_t count = aggregate->count - first;
    size_t hidden = top != 0 && count > top ? count - top : 0;

    pm_text_add(text, "Python malloc byte distributions by ");
    add_words(text, kind);
    if (text->options->draw_histograms)
        pm_text_add(text, kind->explanation);
    pm_text_put_line(text, ",");
    if (!text->options->draw_histograms) {
        put_short_rows(text, kind->group, aggregate, first + hidden);
        put_total(text, kind, aggregate, count + aggregate->left_out);
        return;
    }
    pm_text_end_line(text);
    put_left_out(text, aggregate, first, hidden);
    put_drawn_rows(text, kind->group, aggregate, first + hidden);
    put_total(text, kind, aggregate, count + aggregate->left_out);
    pm_text_end_line(text);
    pm_text_end_line(text);
}

void pm_text_write_histograms(struct pm_text *text, const struct pm_frame_sums *sums)
{
    for (size_t i = 0; i < PM_ARRAY_LENGTH(kinds); i++) {
        const struct kind *kind = &kinds[i];
        struct pm_aggregate aggregate;
        if (!(text->options->histograms & PM_TEXT_HISTOGRAM(kind->group)))
            continue;
        pm_aggregate_build(&aggregate, sums, kind->group, PM_ORDER_TOTAL_BYTES,
                           text->options->histogram_top);
        if (aggregate.count > 0 || !kind->needs_python || text->profile->python != NULL)
            put_group(text, kind, &aggregate);
        pm_aggregate_release(&aggregate);
    }
    if (!text->options->draw_histograms && text->options->histograms != 0) {
        pm_text_put_line(text, "   (--histogram-top=10 draws the distributions of ten rows of each kind)");
        pm_text_end_line(text);
    }
}
