/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The conclusion: at most ten lines at the end of the log, where a reader's eye is, and of the XML output, and at the
   beginning of the JSON file. Each names the section of the text report that has the rest. */
#include "report/pm_text_parts.h"

enum { SHOWN_LEAKS = 3, SHOWN_LINES = 2 };

static bool has_fingerprint(const struct pm_losses *losses, u64 fingerprint)
{
    for (u32 i = 0; losses != NULL && i < losses->count; i++)
        if (losses->records[i].fingerprint == fingerprint)
            return true;
    return false;
}

/* The line that allocated, or the C function in a stack without a Python frame. */
static void add_place(struct pm_text *text, struct pm_stack_id stack)
{
    const struct pm_frame *frame = pm_profile_python_frame(text->profile, stack);

    if (frame != NULL) {
        pm_labels_add_file(&text->labels, &text->line, frame->file,
                           text->options->paths == PM_TEXT_PATHS_FULL);
        pm_text_add(text, ":");
        pm_labels_add_line(&text->line, frame->line);
        pm_text_add(text, " (");
        pm_labels_add_function(&text->labels, &text->line, frame->function);
        pm_text_add(text, ")");
        return;
    }
    frame = pm_profile_caller(text->profile, stack);
    if (frame == NULL) {
        pm_text_add(text, PM_LABEL_UNKNOWN);
        return;
    }
    pm_labels_add_object(&text->labels, &text->line, frame->object);
    pm_text_add(text, "`");
    pm_labels_add_function(&text->labels, &text->line, frame->function);
}

static void put_leak(struct pm_text *text, const struct pm_loss *loss)
{
    pm_text_add(text, "     ");
    if (loss->kind == PM_LOSS_SURPLUS) {
        pm_text_add_counted(text, loss->surplus_references, "surplus reference");
        pm_text_add(text, " to ");
        pm_text_add_counted(text, loss->blocks, "object");
    } else if (loss->kind == PM_LOSS_DEFICIT) {
        pm_text_add_counted(text, loss->missing_references, "missing reference");
        pm_text_add(text, ", ");
        pm_text_add(text, pm_loss_kind_text(loss->kind));
    } else {
        pm_text_add_bytes_in_blocks(text, loss->bytes + loss->indirect_bytes,
                                    loss->blocks + loss->indirect_blocks);
        pm_text_add(text, " ");
        pm_text_add(text, pm_loss_kind_text(loss->kind));
    }
    pm_text_add(text, ": ");
    add_place(text, loss->stack);
    pm_text_end_line(text);
}

/* Calls visit for each leak of both searches; a leak that both found is one. Returns their number. */
static u64 for_each_leak(struct pm_text *text, void (*visit)(struct pm_text *, const struct pm_loss *),
                         u64 most)
{
    const struct pm_losses *before = text->profile->losses_before;
    const struct pm_losses *searches[] = { before, text->profile->losses };
    u64 count = 0;

    for (size_t s = 0; s < PM_ARRAY_LENGTH(searches); s++)
        for (u32 i = 0; searches[s] != NULL && i < searches[s]->count; i++) {
            const struct pm_loss *loss = &searches[s]->records[i];
            if (!pm_text_is_leak(loss) || (s > 0 && has_fingerprint(before, loss->fingerprint)))
                continue;
            if (count++ < most)
                visit(text, loss);
        }
    return count;
}

static const char *leak_section(const struct pm_profile *profile)
{
    return profile->losses_before != NULL && profile->losses != NULL
        ? "see \"Leaks before the interpreter's finalization\" and \"Leaks at exit\""
        : profile->losses_before != NULL ? "see \"Leaks before the interpreter's finalization\""
                                         : "see \"Leaks at exit\"";
}

static void put_leaks(struct pm_text *text)
{
    const struct pm_profile *profile = text->profile;

    if (profile->losses == NULL && profile->losses_before == NULL) {
        pm_text_put_line(text, "   leaks: no search was made (--leak-check=no)");
        return;
    }
    u64 count = for_each_leak(text, NULL, 0);
    if (count == 0) {
        pm_text_put_line(text, "   no leaks");
        return;
    }
    pm_text_add(text, "   ");
    pm_text_add_counted(text, count, "leak");
    pm_text_add(text, ", ");
    pm_text_put_line(text, leak_section(profile));
    for_each_leak(text, put_leak, SHOWN_LEAKS);
    if (count > SHOWN_LEAKS) {
        pm_text_add(text, "     and ");
        pm_text_add_counted(text, count - SHOWN_LEAKS, "leak");
        pm_text_put_line(text, " more");
    }
}

/* The lines that held most of the peak. */
static void put_peak(struct pm_text *text, const struct pm_frame_sums *sums)
{
    struct pm_aggregate lines;

    if (text->profile->peak_blocks == 0)
        return;
    pm_text_add(text, "   at the peak ");
    pm_text_add_bytes_in_blocks(text, text->profile->peak_bytes, text->profile->peak_blocks);
    pm_text_put_line(text, ", see \"Blocks allocated at the peak\"");
    pm_aggregate_build(&lines, sums, PM_GROUP_LINE, PM_ORDER_PEAK_BYTES, SHOWN_LINES);
    for (size_t i = 0; i < lines.count && i < SHOWN_LINES; i++) {
        const struct pm_row *row = pm_aggregate_row(&lines, i);
        pm_text_add(text, "     ");
        pm_text_add_bytes_in_blocks(text, row->figures.peak_bytes, row->figures.peak_blocks);
        pm_text_add(text, ": ");
        pm_text_add_line_label(text, row);
        pm_text_end_line(text);
    }
    pm_aggregate_release(&lines);
}

/* Finalization frees most of what the program kept: if there are figures from before it, these count. */
static void put_in_use(struct pm_text *text)
{
    const struct pm_sites_moment *before = text->profile->before;

    if (before != NULL) {
        pm_text_add(text, "   in use before finalization ");
        pm_text_add_bytes_in_blocks(text, before->live_bytes, before->live_blocks);
        pm_text_put_line(text, ", see \"Blocks allocated before the interpreter's finalization\"");
    } else {
        pm_text_add(text, "   in use at exit ");
        pm_text_add_bytes_in_blocks(text, text->profile->live_bytes, text->profile->live_blocks);
        pm_text_put_line(text, ", see \"Blocks still allocated at exit\"");
    }
}

static void put_conclusion(struct pm_text *text, const struct pm_frame_sums *sums)
{
    put_leaks(text);
    put_peak(text, sums);
    put_in_use(text);
}

void pm_text_write_conclusion(struct pm_text *text, const struct pm_frame_sums *sums)
{
    pm_text_put_line(text, "CONCLUSION:");
    put_conclusion(text, sums);
    pm_text_end_line(text);
}

void pm_text_conclude(const struct pm_profile *profile, const struct pm_text_options *options,
                      const struct pm_sink *sink)
{
    struct pm_text text;
    struct pm_frame_sums sums;

    pm_text_init(&text, profile, options, sink);
    pm_frame_sums_build(&sums, profile);
    put_conclusion(&text, &sums);
    pm_frame_sums_release(&sums);
    pm_text_release(&text);
}
