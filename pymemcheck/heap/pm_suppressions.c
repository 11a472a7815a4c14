/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heap/pm_suppressions.h"

#include "base/pm_pattern.h"
#include "base/pm_platform.h"
#include "heap/pm_dotted.h"
#include "heap/pm_loss_kinds.h"

#define UNKNOWN "???"       /* an unknown name, as in the core's suppressions */
#define LEAK_KINDS "match-leak-kinds:"

const char *pm_suppression_field_text(enum pm_suppression_field field)
{
    static const char *const texts[] = {
        [PM_SUPPRESS_TYPE] = "pytype:",
        [PM_SUPPRESS_FUN] = "fun:",
        [PM_SUPPRESS_OBJ] = "obj:",
        [PM_SUPPRESS_SRC] = "src:",
        [PM_SUPPRESS_PYFUN] = "pyfun:",
        [PM_SUPPRESS_PYFILE] = "pyfile:",
        [PM_SUPPRESS_ANY_FRAMES] = "...",
    };
    return texts[field];
}

/* --- Reading --- */

struct piece {
    const char *bytes;
    size_t length;
};

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct piece trimmed(struct piece piece)
{
    while (piece.length > 0 && is_blank(piece.bytes[0])) {
        piece.bytes++;
        piece.length--;
    }
    while (piece.length > 0 && is_blank(piece.bytes[piece.length - 1]))
        piece.length--;
    return piece;
}

/* Whether piece begins with word; *rest is then what follows, without blanks around it. */
static bool begins_with(struct piece piece, const char *word, struct piece *rest)
{
    size_t length = pm_length(word);

    if (piece.length < length || pm_compare(piece.bytes, word, length) != 0)
        return false;
    *rest = trimmed((struct piece){ piece.bytes + length, piece.length - length });
    return true;
}

static bool is_text(struct piece piece, const char *text)
{
    return piece.length == pm_length(text) && pm_compare(piece.bytes, text, piece.length) == 0;
}

static void add_line(struct pm_suppression_line **lines, size_t *count,
                     const struct pm_suppression_line *line)
{
    *lines = pm_realloc("pm.suppressions", *lines, (*count + 1) * sizeof **lines);
    (*lines)[(*count)++] = *line;
}

static void add_quoted(struct pm_buffer *problem, struct piece found)
{
    pm_buffer_add_text(problem, "\"");
    pm_buffer_add_bytes(problem, found.bytes, found.length);
    pm_buffer_add_text(problem, "\"");
}

/* Both give false, for callers to return. */
static bool expect(struct pm_buffer *problem, const char *expected, struct piece found)
{
    pm_buffer_add_text(problem, "expected ");
    pm_buffer_add_text(problem, expected);
    pm_buffer_add_text(problem, ", not ");
    add_quoted(problem, found);
    return false;
}

static bool refuse(struct pm_buffer *problem, const char *rule, struct piece found)
{
    pm_buffer_add_text(problem, rule);
    pm_buffer_add_text(problem, ": ");
    add_quoted(problem, found);
    return false;
}

/* Cuts ":12" off "name:12" and stores 12 as the line. */
static bool split_source_line(struct pm_suppression_line *line, struct pm_buffer *problem)
{
    size_t colon = line->length;

    while (colon > 0 && line->pattern[colon - 1] != ':')
        colon--;
    if (colon == 0)
        return true;
    u64 number = 0;
    for (size_t i = colon; i < line->length; i++) {
        if (line->pattern[i] < '0' || line->pattern[i] > '9' || number > UINT32_MAX / 10)
            return expect(problem, "a line number after \"src:file:\"",
                            (struct piece){ line->pattern + colon, line->length - colon });
        number = number * 10 + (u64)(line->pattern[i] - '0');
    }
    line->line = (u32)number;
    line->length = colon - 1;
    return true;
}

static bool parse_pattern(struct pm_suppression *suppression, struct piece piece,
                          struct pm_buffer *problem)
{
    static const enum pm_suppression_field fields[] = {
        PM_SUPPRESS_TYPE, PM_SUPPRESS_FUN, PM_SUPPRESS_OBJ, PM_SUPPRESS_SRC, PM_SUPPRESS_PYFUN,
        PM_SUPPRESS_PYFILE,
    };
    struct pm_suppression_line line = { .field = PM_SUPPRESS_ANY_FRAMES };
    struct piece rest;

    if (is_text(piece, "...")) {
        add_line(&suppression->frames, &suppression->frame_count, &line);
        return true;
    }
    for (size_t i = 0; i < PM_ARRAY_LENGTH(fields); i++) {
        if (!begins_with(piece, pm_suppression_field_text(fields[i]), &rest))
            continue;
        line = (struct pm_suppression_line){ fields[i], rest.bytes, rest.length, 0 };
        if (line.field == PM_SUPPRESS_SRC && !split_source_line(&line, problem))
            return false;
        if (line.length == 0)
            return expect(problem, "a pattern after the colon", piece);
        if (line.field != PM_SUPPRESS_TYPE) {
            add_line(&suppression->frames, &suppression->frame_count, &line);
            return true;
        }
        if (suppression->kind == PM_SUPPRESS_FREE)
            return refuse(problem, "a pytype: line is not allowed in an entry of kind Free", piece);
        if (suppression->frame_count > 0)
            return refuse(problem, "pytype: lines must come before the first frame", piece);
        add_line(&suppression->types, &suppression->type_count, &line);
        return true;
    }
    return expect(problem, "\"...\", or a line that starts with \"fun:\", \"obj:\", \"src:\","
                           " \"pyfun:\", \"pyfile:\", \"pytype:\" or \"" LEAK_KINDS "\"", piece);
}

static bool parse_line(struct pm_suppression *suppression, struct piece piece,
                       struct pm_buffer *problem)
{
    struct piece rest;

    if (!begins_with(piece, LEAK_KINDS, &rest))
        return parse_pattern(suppression, piece, problem);
    if (suppression->kind == PM_SUPPRESS_FREE)
        return refuse(problem, "a " LEAK_KINDS " line is not allowed in an entry of kind Free",
                      piece);
    if (suppression->frame_count > 0 || suppression->type_count > 0)
        return refuse(problem, LEAK_KINDS " must come before all other lines", piece);
    return pm_loss_kinds_parse(rest.bytes, rest.length, &suppression->loss_kinds)
        || expect(problem, PM_LOSS_KINDS_EXPECTED, rest);
}

static bool has_condition(const struct pm_suppression *suppression)
{
    for (size_t i = 0; i < suppression->frame_count; i++)
        if (suppression->frames[i].field != PM_SUPPRESS_ANY_FRAMES)
            return true;
    return suppression->type_count > 0;
}

/* The next line from *at on; *at moves to the line after it. */
static struct piece next_line(struct piece text, size_t *at)
{
    size_t start = *at, end = start;

    while (end < text.length && text.bytes[end] != '\n')
        end++;
    *at = end < text.length ? end + 1 : end;
    return trimmed((struct piece){ text.bytes + start, end - start });
}

static bool parse_lines(struct pm_suppression *suppression, struct piece text, u32 *number,
                        struct pm_buffer *problem)
{
    size_t at = 0;

    for (*number = 1; at < text.length; ++*number) {
        struct piece line = next_line(text, &at);
        if (line.length == 0 || line.bytes[0] == '#')
            continue;
        if (is_text(line, "}")) {
            if (has_condition(suppression))
                return true;
            return expect(problem, "at least one line that is not \"...\" before the end of the"
                                   " entry", line);
        }
        if (!parse_line(suppression, line, problem))
            return false;
        suppression->lines = *number;
    }
    pm_buffer_add_text(problem, "expected \"}\" before the end of the file");
    return false;
}

/* Length of text up to the end of the first line that is "}", or all of it. */
static size_t entry_length(struct piece text)
{
    size_t at = 0;

    while (at < text.length && !is_text(next_line(text, &at), "}"))
        ;
    return at;
}

bool pm_suppression_parse(struct pm_suppression *suppression, enum pm_suppression_kind kind,
                          const char *text, size_t length, u32 *wrong_line,
                          struct pm_buffer *problem)
{
    length = entry_length((struct piece){ text, length });
    *suppression = (struct pm_suppression){
        .kind = kind,
        .loss_kinds = PM_LOSS_KINDS_ALL,
        .text = pm_alloc("pm.suppressions", length + 1),
    };
    pm_copy(suppression->text, text, length);
    if (parse_lines(suppression, (struct piece){ suppression->text, length }, wrong_line, problem))
        return true;
    pm_suppression_release(suppression);
    return false;
}

void pm_suppression_release(struct pm_suppression *suppression)
{
    pm_free(suppression->types);
    pm_free(suppression->frames);
    pm_free(suppression->text);
    *suppression = (struct pm_suppression){ 0 };
}

/* --- Matching --- */

static struct piece string_of(const struct pm_strings *strings, struct pm_string_id id)
{
    if (id.v == 0)
        return (struct piece){ UNKNOWN, sizeof UNKNOWN - 1 };
    return (struct piece){ pm_strings_text(strings, id), pm_strings_length(strings, id) };
}

static bool matches(const struct pm_suppression_line *line, struct piece text)
{
    return pm_pattern_matches(line->pattern, line->length, text.bytes, text.length);
}

static bool matches_end(const struct pm_suppression_line *line, struct piece text, char separator)
{
    return pm_pattern_matches_end(line->pattern, line->length, text.bytes, text.length, separator);
}

static bool matches_dotted(const struct pm_suppression_line *line,
                           const struct pm_strings *strings, const struct pm_frame *frame)
{
    struct pm_buffer dotted;

    pm_buffer_init(&dotted);
    pm_dotted_add(&dotted, strings, frame);
    bool result = matches_end(line, (struct piece){ dotted.bytes, dotted.length }, '.');
    pm_buffer_release(&dotted);
    return result;
}

static bool matches_frame(const struct pm_suppression_line *line,
                          const struct pm_strings *strings, const struct pm_frame *frame)
{
    bool python = frame->kind == PM_FRAME_PYTHON;

    switch (line->field) {
    case PM_SUPPRESS_FUN:
        return !python && matches(line, string_of(strings, frame->function));
    case PM_SUPPRESS_OBJ:
        return !python && matches(line, string_of(strings, frame->object));
    case PM_SUPPRESS_SRC:
        return !python && frame->file.v != 0
            && matches_end(line, string_of(strings, frame->file), '/')
            && (line->line == 0 || line->line == frame->line);
    case PM_SUPPRESS_PYFUN:
        return python && matches_dotted(line, strings, frame);
    case PM_SUPPRESS_PYFILE:
        return python && matches_end(line, string_of(strings, frame->file), '/');
    default:
        return false;
    }
}

/* Whether the frames begin as the lines say. As in pm_pattern.c, only the last "..." need be
   retried. */
static bool matches_frames(const struct pm_suppression *suppression,
                           const struct pm_tables *tables, const u32 *frames,
                           size_t count)
{
    const struct pm_suppression_line *lines = suppression->frames;
    size_t line = 0, i = 0, after_any = 0, any_start = 0;
    bool any = false;

    while (line < suppression->frame_count) {
        if (lines[line].field == PM_SUPPRESS_ANY_FRAMES) {
            any = true;
            after_any = ++line;
            any_start = i;
        } else if (i < count
                   && matches_frame(&lines[line], tables->strings,
                                    pm_frames_get(tables->frames,
                                                  (struct pm_frame_id){ frames[i] }))) {
            line++;
            i++;
        } else if (any && any_start < count) {
            line = after_any;
            i = ++any_start;
        } else {
            return false;
        }
    }
    return true;
}

/* The frames of a stack, innermost first, without notes for missing frames. The caller frees. */
static u32 *frames_of(const struct pm_tables *tables, struct pm_stack_id stack,
                      size_t *count)
{
    size_t depth = 0;

    for (struct pm_stack_id id = stack; id.v != 0; id = pm_stacks_node(tables->stacks, id).parent)
        depth++;
    u32 *frames = pm_alloc("pm.suppressions", (depth + 1) * sizeof *frames);
    *count = 0;
    for (struct pm_stack_id id = stack; id.v != 0;
            id = pm_stacks_node(tables->stacks, id).parent) {
        struct pm_frame_id frame = pm_stacks_node(tables->stacks, id).frame;
        if (pm_frames_get(tables->frames, frame)->kind != PM_FRAME_NOTE)
            frames[(*count)++] = frame.v;
    }
    return frames;
}

/* Every object must be of a type in one of the lines: a leak of another type at the same place
   is a different leak. */
static bool matches_types(const struct pm_suppression *suppression,
                          const struct pm_tables *tables,
                          const struct pm_suppression_subject *subject)
{
    bool objects = false;

    for (size_t i = 0; i < subject->type_count; i++) {
        struct pm_string_id name = subject->types[i].name;
        bool matched = false;
        if (name.v == 0)
            continue;
        objects = true;
        for (size_t j = 0; j < suppression->type_count && !matched; j++)
            matched = matches_end(&suppression->types[j], string_of(tables->strings, name), '.');
        if (!matched)
            return false;
    }
    return objects;
}

bool pm_suppression_matches(const struct pm_suppression *suppression,
                            const struct pm_tables *tables,
                            const struct pm_suppression_subject *subject)
{
    if (suppression->kind != subject->kind)
        return false;
    if (subject->kind == PM_SUPPRESS_LEAK
            && (suppression->loss_kinds & PM_LOSS_KIND(subject->loss)) == 0)
        return false;
    if (suppression->type_count > 0 && !matches_types(suppression, tables, subject))
        return false;
    size_t count;
    u32 *frames = frames_of(tables, subject->stack, &count);
    bool result = matches_frames(suppression, tables, frames, count);
    pm_free(frames);
    return result;
}
