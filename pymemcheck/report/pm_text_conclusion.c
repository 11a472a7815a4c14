/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The conclusion: at most ten lines at the end of the log, where a reader's eye is, and of the XML output, and at the
   beginning of the JSON file. Each names the section of the text report that has the rest. */
#include "report/pm_text_parts.h"

enum { SHOWN_LEAKS = 3, SHOWN_LINES = 2 };

/* Whether one of the records is about the same leak. Finalization may change its kind, and with it its fingerprint, but not
   which allocation was the first. */
static bool has_leak(const struct pm_losses *losses, const struct pm_loss *leak)
{
    for (u32 i = 0; losses != NULL && i < losses->count; i++) {
        const struct pm_loss *loss = &losses->records[i];
        const bool same_block = !loss->is_static && !leak->is_static && loss->first_serial == leak->first_serial
            && loss->stack.v == leak->stack.v;
        if (loss->fingerprint == leak->fingerprint || (same_block && pm_text_is_leak(loss)))
            return true;
    }
    return false;
}

static void put_leak(struct pm_text *text, const struct pm_loss *loss)
{
    pm_text_add(text, "     ");
    if (loss->kind == PM_LOSS_SURPLUS) {
        pm_text_add_counted(text, loss->surplus_references, "surplus reference");
        pm_text_add(text, " to ");
        pm_text_add_counted(text, loss->blocks, "object");
    } else {
        pm_text_add_bytes_in_blocks(text, loss->bytes + loss->indirect_bytes,
                                    loss->blocks + loss->indirect_blocks);
        pm_text_add(text, " ");
        pm_text_add(text, pm_loss_kind_text(loss->kind));
    }
    pm_text_add(text, ": ");
    pm_text_add_place(text, loss->stack);
    pm_text_end_line(text);
}

/* Which leaks are visited. Modules lose once what they make at import: that does not grow, so it comes last. */
enum sort { OVER_RELEASED, GROWING, OF_IMPORTS };

static enum sort sort_of(const struct pm_loss *loss)
{
    return loss->kind == PM_LOSS_DEFICIT ? OVER_RELEASED
        : pm_text_is_import_leak(loss) ? OF_IMPORTS : GROWING;
}

struct found {
    u64 records, objects;
};

/* Calls visit for each of the first most leaks of a sort in both searches; a leak that both found is one. Returns how many
   there are in all. */
static struct found for_each_leak(struct pm_text *text, enum sort sort, void (*visit)(struct pm_text *, const struct pm_loss *),
                         u64 most)
{
    const struct pm_losses *before = text->profile->losses_before;
    const struct pm_losses *searches[] = { before, text->profile->losses };
    struct found all = { 0 };

    for (size_t s = 0; s < PM_ARRAY_LENGTH(searches); s++)
        for (u32 i = 0; searches[s] != NULL && i < searches[s]->count; i++) {
            const struct pm_loss *loss = &searches[s]->records[i];
            if (!pm_text_is_leak(loss) || sort_of(loss) != sort
                    || (s > 0 && has_leak(before, loss)))
                continue;
            if (all.records++ < most)
                visit(text, loss);
            all.objects += loss->is_static ? 1 : loss->blocks;
        }
    return all;
}

static const char *leak_section(const struct pm_profile *profile)
{
    return profile->losses_before != NULL && profile->losses != NULL
        ? "see \"Leaks before the interpreter's finalization\" and \"Leaks at exit\""
        : profile->losses_before != NULL ? "see \"Leaks before the interpreter's finalization\""
                                         : "see \"Leaks at exit\"";
}

/* "6 wrong frees (4 mismatched, 2 invalid), the first: job.py:7 (work)", or "3 invalid frees, ...". Returns whether there is
   a line. */
static bool put_wrong_frees(struct pm_text *text)
{
    const struct pm_wrong_free_sums *sums = text->profile->wrong_frees;
    const struct pm_wrong_free_sum *first = NULL;
    u64 all = 0, invalid = 0;

    for (u32 i = 0; sums != NULL && i < sums->count; i++) {
        all += sums->list[i].count;
        invalid += sums->list[i].first.kind == PM_FREE_INVALID ? sums->list[i].count : 0;
        first = first == NULL && sums->list[i].count > 0 ? &sums->list[i] : first;
    }
    if (first == NULL)
        return false;
    pm_text_add(text, "   ");
    pm_text_add_counted(text, all, invalid == 0 ? "mismatched free" : invalid == all ? "invalid free" : "wrong free");
    if (invalid > 0 && invalid < all) {
        pm_text_add(text, " (");
        pm_text_add_number(text, all - invalid);
        pm_text_add(text, " mismatched, ");
        pm_text_add_number(text, invalid);
        pm_text_add(text, " invalid)");
    }
    pm_text_add(text, all == 1 ? ": " : ", the first: ");
    pm_text_add_place(text, first->first.stack);
    pm_text_end_line(text);
    return true;
}

/* "the first: list, job.py:3 (work)" */
static void add_over_released(struct pm_text *text, const struct pm_loss *loss)
{
    if (loss->type_count > 0)
        pm_text_add_string(text, loss->types[0].name);
    if (loss->is_static)
        return;
    pm_text_add(text, loss->type_count > 0 ? ", " : "");
    pm_text_add_place(text, loss->stack);
}

/* Returns whether there is a line. */
static bool put_over_released(struct pm_text *text)
{
    const struct found all = for_each_leak(text, OVER_RELEASED, NULL, 0);

    if (all.records == 0)
        return false;
    pm_text_add(text, "   ");
    pm_text_add_counted(text, all.objects, "over-released object");
    pm_text_add(text, ", ");
    pm_text_add(text, leak_section(text->profile));
    pm_text_add(text, all.objects == 1 ? ": " : ", the first: ");
    for_each_leak(text, OVER_RELEASED, add_over_released, 1);
    pm_text_end_line(text);
    return true;
}

/* Shows most of them. */
static void put_leaks(struct pm_text *text, u64 most)
{
    const struct pm_profile *profile = text->profile;

    if (profile->losses == NULL && profile->losses_before == NULL) {
        pm_text_put_line(text, "   leaks: no search was made (--leak-check=no)");
        return;
    }
    const u64 growing = for_each_leak(text, GROWING, NULL, 0).records;
    const u64 count = growing + for_each_leak(text, OF_IMPORTS, NULL, 0).records;

    if (count == 0) {
        pm_text_put_line(text, "   no leaks");
        return;
    }
    pm_text_add(text, "   ");
    pm_text_add_counted(text, count, "leak");
    pm_text_add(text, ", ");
    pm_text_put_line(text, leak_section(profile));
    for_each_leak(text, GROWING, put_leak, most);
    if (growing < most)
        for_each_leak(text, OF_IMPORTS, put_leak, most - growing);
    if (count > most) {
        pm_text_add(text, "     and ");
        pm_text_add_counted(text, count - most, "leak");
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
    const bool wrong = put_wrong_frees(text), over_released = put_over_released(text);

    put_leaks(text, wrong && over_released ? SHOWN_LEAKS - 1 : SHOWN_LEAKS);
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
