/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The balance of watched objects: under a loss record, and by itself. Numbers are of references. */
#include "report/pm_text_parts.h"

#include "base/pm_platform.h"
#include "heap/pm_balance_report.h"

#define ALL_SHOWS "; --watch-refs-all=yes shows them"

enum { SHOWN_ROWS = 5, SHOWN_LINES = 3, SHOWN_EXPLAINED = 3, SHOWN_OTHERS = 10, AMOUNT_WIDTH = 12, PLACE_WIDTH = 36 };

static const struct pm_balance *balance_of(const struct pm_text *text)
{
    return text->profile->watched->balance;
}

/* "before", the count with its noun, "after"; nothing if there are none. */
static void put_count(struct pm_text *text, const char *before, u64 count, const char *noun, const char *after)
{
    if (count == 0)
        return;
    pm_text_add(text, before);
    pm_text_add_counted(text, count, noun);
    pm_text_put_line(text, after);
}

/* A native frame, with the line that says Py_INCREF, not that of the header that has it. */
static void add_native(struct pm_text *text, const struct pm_frame *frame)
{
    const struct pm_frame shown = pm_frame_outer(frame);

    pm_text_add_native_frame(text, &shown);
}

/* "      +12  lk.so`keep+0x1f (lk.c:44)           job.py:9 (work)" */
static void add_place(struct pm_text *text, u32 index, u64 amount, bool up)
{
    const struct pm_balance_place *place = &balance_of(text)->places[index];
    struct pm_buffer number;
    size_t start;

    pm_buffer_init(&number);
    pm_buffer_add_char(&number, up ? '+' : '-');
    pm_buffer_add_u64_grouped(&number, amount);
    pm_buffer_add_repeated(&text->line, ' ', number.length < AMOUNT_WIDTH ? AMOUNT_WIDTH - number.length : 1);
    pm_text_add(text, number.bytes);
    pm_text_add(text, "  ");
    pm_buffer_release(&number);
    start = text->line.length;
    if (place->has_shown)
        add_native(text, pm_frames_get(text->profile->frames, place->shown));
    else
        pm_text_add(text, place->has_python ? "the interpreter" : PM_LABEL_UNKNOWN);
    if (!place->has_python)
        return;
    const size_t used = text->line.length - start;
    pm_buffer_add_repeated(&text->line, ' ', used < PLACE_WIDTH ? PLACE_WIDTH - used : 2);
    const struct pm_frame *frame = pm_frames_get(text->profile->frames, place->python);
    pm_labels_add_python_line(&text->labels, &text->line, frame->file, frame->line, frame->function,
                              text->options->paths == PM_TEXT_PATHS_FULL);
}

static void add_line(struct pm_text *text, u32 index, u64 amount)
{
    add_place(text, index, amount, balance_of(text)->places[index].up);
}

/* The lines of a row. Of several places it is not known which of them the references come from. It is not likely that they
   come from those that were undone. */
static void put_lines(struct pm_text *text, const struct pm_balance_row *row, u32 most)
{
    u64 rest = 0, rest_count = 0;

    if (row->kept) {
        add_place(text, row->usual.place, row->references, !balance_of(text)->places[row->usual.place].up);
        pm_text_end_line(text);
    }
    for (u32 i = 0; i < row->line_count; i++) {
        const bool undone = row->lines[i].surplus == 0 && row->lines[0].surplus > 0;
        if (i >= most || (undone && !text->profile->watched->all)) {
            rest += row->lines[i].amount;
            rest_count++;
            continue;
        }
        add_line(text, row->lines[i].place, row->line_count == 1 ? row->references : row->lines[i].amount);
        pm_text_end_line(text);
    }
    if (rest > 0) {
        pm_text_add_number_right(text, rest, AMOUNT_WIDTH);
        pm_text_add(text, "  at ");
        pm_text_add_counted(text, rest_count, "other place");
        pm_text_put_line(text, " of the same function");
    }
}

/* How sure it is. */
static void put_evidence(struct pm_text *text, const struct pm_balance_verdict *verdict,
                         const struct pm_balance_row *row)
{
    pm_text_add(text, "               in ");
    pm_text_add_number(text, row->leaked_with);
    pm_text_add(text, " of ");
    pm_text_add_number(text, verdict->objects);
    pm_text_add(text, verdict->too_few ? " over-released" : " leaked");
    if (verdict->died > 0) {
        pm_text_add(text, " and ");
        pm_text_add_number(text, row->died_with);
        pm_text_add(text, " of ");
        pm_text_add_number(text, verdict->died);
        pm_text_add(text, " freed");
    }
    pm_text_add(text, verdict->objects == 1 && verdict->died == 0 ? " object" : " objects");
    if (row->kept)
        pm_text_add(text, "; the others were given back or taken there");
    if (row->taken > 0 && row->given > 0) {
        pm_text_add(text, "; it took ");
        pm_text_add_number(text, row->taken);
        pm_text_add(text, " and gave back ");
        pm_text_add_number(text, row->given);
    }
    pm_text_end_line(text);
}

/* The function that has no place of its own in the balance. */
static void put_deallocator(struct pm_text *text, const struct pm_balance_verdict *verdict)
{
    if (!verdict->has_deallocator)
        return;
    pm_text_add(text, "   instances have a reference to their class; it is for this function to give it back: ");
    add_native(text, pm_frames_get(text->profile->frames, verdict->deallocator));
    pm_text_end_line(text);
}

/* How many references are too many, or too few. */
static u64 difference(const struct pm_balance_verdict *verdict)
{
    const i64 more = verdict->references - (i64)verdict->pointers;

    return (u64)(more < 0 ? -more : more);
}

/* How many rows are shown. Where those of extensions, or the first one, have all the references in question, the
   interpreter's are noise. */
static u32 rows_shown(struct pm_text *text, const struct pm_balance_verdict *verdict)
{
    const u32 most = verdict->row_count < SHOWN_ROWS ? verdict->row_count : (u32)SHOWN_ROWS;
    u64 references = 0;

    if (text->profile->watched->all)
        return verdict->row_count;
    for (u32 i = 0; i < most; i++) {
        const bool extension = balance_of(text)->owners[verdict->rows[i].owner].role == PM_BALANCE_EXTENSION;
        if (i > 0 && !extension && references >= difference(verdict))
            return i;
        references += verdict->rows[i].references;
    }
    return most;
}

static void put_rows(struct pm_text *text, const struct pm_balance_verdict *verdict)
{
    const bool all = text->profile->watched->all;
    const u32 shown = rows_shown(text, verdict);

    if (verdict->row_count == 0)
        return;
    pm_text_put_line(text, verdict->too_few ? "   given back and never taken:" : "   taken and never given back:");
    for (u32 i = 0; i < shown; i++) {
        put_lines(text, &verdict->rows[i], all ? UINT32_MAX : SHOWN_LINES);
        put_evidence(text, verdict, &verdict->rows[i]);
    }
    put_count(text, "       and ", verdict->row_count - shown, "other function", ALL_SHOWS);
    if (verdict->died == 0)
        pm_text_put_line(text, "      (no object born at this line was freed, so there is nothing to compare with)");
}

/* The explained row that what holds the object belongs to: a container, if there is one. */
static u32 row_of_holder(struct pm_text *text, const struct pm_balance_verdict *verdict)
{
    for (u32 i = 0; i < verdict->explained_count; i++)
        if (balance_of(text)->owners[verdict->explained[i].owner].role == PM_BALANCE_CONTAINER)
            return i;
    return 0;
}

static void put_explained(struct pm_text *text, const struct pm_balance_verdict *verdict)
{
    const bool all = text->profile->watched->all;
    const u32 holder = row_of_holder(text, verdict);

    if (verdict->explained_count == 0)
        return;
    pm_text_put_line(text, "   explained by pointers that were found:");
    for (u32 i = 0; i < verdict->explained_count && (all || i < SHOWN_EXPLAINED); i++) {
        const struct pm_balance_row *row = &verdict->explained[i];
        if (row->line_count == 0)
            continue;
        add_line(text, row->lines[0].place, row->references);
        if (verdict->held_by.v != 0 && i == holder) {
            pm_text_add(text, "      held by ");
            pm_text_add_string(text, verdict->held_by);
        }
        pm_text_end_line(text);
    }
    if (!all && verdict->explained_count > SHOWN_EXPLAINED)
        put_count(text, "       and ", verdict->explained_count - SHOWN_EXPLAINED, "other function", ALL_SHOWS);
}

static void put_all_places(struct pm_text *text, const struct pm_balance_verdict *verdict)
{
    pm_text_put_line(text, "   all places, by owner of the references:");
    for (u32 i = 0; i < verdict->line_count; i++) {
        const struct pm_balance_owner *owner = &balance_of(text)->owners[
            balance_of(text)->places[verdict->lines[i].place].owner];
        add_line(text, verdict->lines[i].place, verdict->lines[i].amount);
        pm_text_add(text, "  ");
        pm_text_add_string(text, owner->name);
        pm_text_end_line(text);
    }
}

/* What is not known. */
static void put_unknown(struct pm_text *text, const struct pm_balance_verdict *verdict)
{
    if (verdict->opening > 0) {
        pm_text_add(text, "   taken before the watch began: ");
        pm_text_add_number(text, (u64)verdict->opening);
        pm_text_end_line(text);
    }
    if (verdict->unseen != 0)
        pm_text_put_line(text, "   some changes were made in a way that cannot be seen; the balance is not exact");
    if (verdict->lost_changes)
        pm_text_put_line(text, "   there was no room for all places of these objects; the balance is not exact");
}

void pm_text_put_balance(struct pm_text *text, const struct pm_balance_verdict *verdict)
{
    put_deallocator(text, verdict);
    put_rows(text, verdict);
    put_explained(text, verdict);
    if (verdict->balanced_places > 0) {
        pm_text_add(text, "   balanced (taken and given back by functions that belong together): ");
        pm_text_add_counted(text, verdict->balanced_places, "place");
        pm_text_add(text, ", ");
        pm_text_add_number(text, verdict->balanced_up);
        pm_text_add(text, " up, ");
        pm_text_add_number(text, verdict->balanced_down);
        pm_text_put_line(text, text->profile->watched->all ? " down" : " down" ALL_SHOWS);
    }
    if (text->profile->watched->all)
        put_all_places(text, verdict);
    put_unknown(text, verdict);
}

static void put_other(struct pm_text *text, const struct pm_balance_verdict *verdict)
{
    const struct pm_balance_group *group = &balance_of(text)->groups[verdict->group];

    pm_text_add_counted(text, verdict->references > 0 ? (u64)verdict->references : 0, "reference");
    pm_text_add(text, " to ");
    pm_text_add_number(text, verdict->objects);
    pm_text_add(text, " x ");
    pm_text_add_string(text, group->type);
    pm_text_add(text, " in no loss record");
    const struct pm_frame *frame = pm_profile_python_frame(text->profile, group->birth);
    if (frame != NULL) {
        pm_text_add(text, ", born at ");
        pm_labels_add_file(&text->labels, &text->line, frame->file, text->options->paths == PM_TEXT_PATHS_FULL);
        pm_text_add(text, ":");
        pm_labels_add_line(&text->line, frame->line);
    }
    pm_text_end_line(text);
    pm_text_put_balance(text, verdict);
    pm_text_end_line(text);
}

void pm_text_write_watched(struct pm_text *text)
{
    const struct pm_balance_report *report = text->profile->watched;

    if (report == NULL)
        return;
    const struct pm_balance *balance = report->balance;
    pm_text_put_line(text, "Watched objects (--watch-refs):");
    pm_text_add(text, "   ");
    pm_text_add_counted(text, balance->watched, "object");
    pm_text_add(text, ", ");
    pm_text_add_number(text, balance->ended);
    pm_text_add(text, " of them gone, ");
    pm_text_add_counted(text, balance->changes, "change");
    pm_text_add(text, " of counts at ");
    pm_text_add_counted(text, balance->place_count, "stack");
    pm_text_end_line(text);
    put_count(text, "   ", balance->unseen_changes, "change", " more made in a way that cannot be seen");
    put_count(text, "   no room for the stacks of ", balance->lost_changes, "change",
              ": the limit of memory was reached, and balances of these objects are not exact");
    put_count(text, "   ", report->immortal, "object", " immortal: the count does not change");
    put_count(text, "   ", report->not_found, "name", " of object: not found");
    pm_text_end_line(text);
    for (u32 i = 0; i < report->other_count && (report->all || i < SHOWN_OTHERS); i++)
        put_other(text, report->others[i]);
    if (!report->all && report->other_count > SHOWN_OTHERS) {
        put_count(text, "... and ", report->other_count - SHOWN_OTHERS, "other birth line", ALL_SHOWS);
        pm_text_end_line(text);
    }
}
