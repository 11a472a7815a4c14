/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/pm_json_balance.h"

static void key_i64(struct pm_emitter *out, const char *key, i64 value)
{
    pm_emitter_key(out, key);
    pm_emitter_i64(out, value);
}

static const char *role_word(enum pm_balance_role role)
{
    static const char *const words[PM_BALANCE_ROLES] = {
        [PM_BALANCE_EXTENSION] = "extension",
        [PM_BALANCE_INTERPRETER] = "interpreter",
        [PM_BALANCE_CONTAINER] = "container",
    };
    return words[role];
}

static void write_line(struct pm_emitter *out, const struct pm_balance_report *report, const struct pm_balance_line *line)
{
    const struct pm_balance_place *place = &report->balance->places[line->place];
    struct pm_frame shown = { .line = 0 };

    pm_emitter_dict_begin(out, PM_EMITTER_INLINE);
    key_i64(out, "change", place->up ? (i64)line->amount : -(i64)line->amount);
    pm_emitter_key_u64(out, "surplus", line->surplus);
    pm_emitter_key_u64(out, "stack", place->stack.v);
    pm_emitter_key_u64(out, "owner", report->balance->owners[place->owner].name.v);
    pm_emitter_key(out, "native");
    if (place->has_shown) {
        pm_emitter_u64(out, place->shown.v);
        shown = pm_frame_outer(pm_frames_get(report->frames, place->shown));
    } else {
        pm_emitter_null(out);
    }
    pm_emitter_key_u64(out, "file", shown.file.v);
    pm_emitter_key_u64(out, "line", shown.line);
    pm_emitter_key(out, "python");
    if (place->has_python)
        pm_emitter_u64(out, place->python.v);
    else
        pm_emitter_null(out);
    pm_emitter_dict_end(out);
}

static void write_row(struct pm_emitter *out, const struct pm_balance_report *report, const struct pm_balance_row *row)
{
    const struct pm_balance_owner *owner = &report->balance->owners[row->owner];

    pm_emitter_dict_begin(out, PM_EMITTER_INLINE);
    pm_emitter_key_u64(out, "owner", owner->name.v);
    pm_emitter_key_text(out, "role", role_word(owner->role));
    pm_emitter_key_u64(out, "references", row->references);
    pm_emitter_key_u64(out, "taken", row->taken);
    pm_emitter_key_u64(out, "given", row->given);
    pm_emitter_key_u64(out, "leaked_with", row->leaked_with);
    pm_emitter_key_u64(out, "died_with", row->died_with);
    pm_emitter_key(out, "usual");
    if (row->kept)
        write_line(out, report, &row->usual);
    else
        pm_emitter_null(out);
    pm_emitter_key(out, "places");
    pm_emitter_list_begin(out, PM_EMITTER_INLINE);
    for (u32 i = 0; i < row->line_count; i++)
        write_line(out, report, &row->lines[i]);
    pm_emitter_list_end(out);
    pm_emitter_dict_end(out);
}

static void write_rows(struct pm_emitter *out, const char *key, const struct pm_balance_report *report,
                       const struct pm_balance_row *rows, u32 count)
{
    pm_emitter_key(out, key);
    pm_emitter_list_begin(out, PM_EMITTER_INLINE);
    for (u32 i = 0; i < count; i++)
        write_row(out, report, &rows[i]);
    pm_emitter_list_end(out);
}

static void write_verdict(struct pm_emitter *out, const struct pm_balance_report *report,
                          const struct pm_balance_verdict *verdict)
{
    const struct pm_balance *balance = report->balance;

    pm_emitter_dict_begin(out, PM_EMITTER_INLINE);
    pm_emitter_key_bool(out, "too_few", verdict->too_few);
    pm_emitter_key_u64(out, "type", balance->groups[verdict->group].type.v);
    pm_emitter_key_u64(out, "born", balance->groups[verdict->group].birth.v);
    pm_emitter_key_u64(out, "objects", verdict->objects);
    pm_emitter_key_u64(out, "died", verdict->died);
    key_i64(out, "references", verdict->references);
    pm_emitter_key_u64(out, "pointers", verdict->pointers);
    key_i64(out, "opening", verdict->opening);
    key_i64(out, "unseen", verdict->unseen);
    pm_emitter_key_bool(out, "lost_changes", verdict->lost_changes);
    pm_emitter_key_u64(out, "held_by", verdict->held_by.v);
    pm_emitter_key(out, "deallocator");
    if (verdict->has_deallocator)
        pm_emitter_u64(out, verdict->deallocator.v);
    else
        pm_emitter_null(out);
    write_rows(out, "unbalanced", report, verdict->rows, verdict->row_count);
    write_rows(out, "explained", report, verdict->explained, verdict->explained_count);
    pm_emitter_key(out, "balanced");
    pm_emitter_list_begin(out, PM_EMITTER_INLINE);
    pm_emitter_u64(out, verdict->balanced_places);
    pm_emitter_u64(out, verdict->balanced_up);
    pm_emitter_u64(out, verdict->balanced_down);
    pm_emitter_list_end(out);
    if (report->all) {
        pm_emitter_key(out, "places");
        pm_emitter_list_begin(out, PM_EMITTER_INLINE);
        for (u32 i = 0; i < verdict->line_count; i++)
            write_line(out, report, &verdict->lines[i]);
        pm_emitter_list_end(out);
    }
    pm_emitter_dict_end(out);
}

void pm_json_write_balance(struct pm_emitter *out, const struct pm_balance_report *report,
                           const struct pm_balance_verdict *verdict)
{
    pm_emitter_key(out, "balance");
    if (verdict == NULL || report == NULL)
        pm_emitter_null(out);
    else
        write_verdict(out, report, verdict);
}

/* Each living object: address, opening balance, sum of what was taken, of what was given back, of what was not seen,
   and its count. */
static void write_objects(struct pm_emitter *out, const struct pm_balance *balance)
{
    pm_emitter_key(out, "living");
    pm_emitter_list_begin(out, PM_EMITTER_LINES);
    for (u32 i = 0; i < balance->object_count; i++) {
        const struct pm_balance_object *object = &balance->objects[i];
        if (object->address == 0)
            continue;
        pm_emitter_list_begin(out, PM_EMITTER_INLINE);
        pm_emitter_u64(out, object->address);
        pm_emitter_i64(out, object->opening);
        pm_emitter_u64(out, object->up);
        pm_emitter_u64(out, object->down);
        pm_emitter_i64(out, object->unseen);
        pm_emitter_i64(out, object->count);
        pm_emitter_list_end(out);
    }
    pm_emitter_list_end(out);
}

void pm_json_write_watched(struct pm_emitter *out, const struct pm_balance_report *report)
{
    pm_emitter_key(out, "watched");
    if (report == NULL) {
        pm_emitter_null(out);
        return;
    }
    const struct pm_balance *balance = report->balance;
    pm_emitter_dict_begin(out, PM_EMITTER_LINES);
    pm_emitter_key_u64(out, "objects", balance->watched);
    pm_emitter_key_u64(out, "gone", balance->ended);
    pm_emitter_key_u64(out, "immortal", report->immortal);
    pm_emitter_key_u64(out, "not_found", report->not_found);
    pm_emitter_key_u64(out, "changes", balance->changes);
    pm_emitter_key_u64(out, "unseen_changes", balance->unseen_changes);
    pm_emitter_key_u64(out, "lost_changes", balance->lost_changes);
    pm_emitter_key_u64(out, "stacks", balance->place_count);
    pm_emitter_key(out, "others");
    pm_emitter_list_begin(out, PM_EMITTER_LINES);
    for (u32 i = 0; i < report->other_count; i++)
        write_verdict(out, report, report->others[i]);
    pm_emitter_list_end(out);
    if (report->all)
        write_objects(out, balance);
    pm_emitter_dict_end(out);
}
