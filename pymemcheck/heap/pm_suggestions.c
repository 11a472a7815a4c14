/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The other half of pm_suppressions.h: from an error to the entry for it. */
#include "base/pm_characters.h"
#include "base/pm_platform.h"
#include "heap/pm_loss_kinds.h"
#include "heap/pm_suppressions.h"

#define UNKNOWN "???"
#define INDENT "   "

static bool ends_with(const char *bytes, size_t length, const char *end)
{
    size_t end_length = pm_length(end);
    return length >= end_length
        && pm_compare(bytes + length - end_length, end, end_length) == 0;
}

/* "importlib._bootstrap" of "<frozen importlib._bootstrap>"; other names in angle
   brackets as they are. */
static void add_bracketed(struct pm_buffer *out, const char *file, size_t length)
{
    static const char frozen[] = "<frozen ";
    size_t skip = sizeof frozen - 1;

    if (length > skip && pm_compare(file, frozen, skip) == 0 && file[length - 1] == '>')
        pm_buffer_add_bytes(out, file + skip, length - skip - 1);
    else
        pm_buffer_add_bytes(out, file, length);
}

static void add_function(struct pm_buffer *out, const struct pm_strings *strings,
                         const struct pm_frame *frame)
{
    if (frame->function.v == 0)
        pm_buffer_add_text(out, UNKNOWN);
    else
        pm_buffer_add_bytes(out, pm_strings_text(strings, frame->function),
                            pm_strings_length(strings, frame->function));
}

void pm_suppression_add_dotted(struct pm_buffer *out, const struct pm_strings *strings,
                               const struct pm_frame *frame)
{
    const char *file = pm_strings_text(strings, frame->file);
    size_t length = pm_strings_length(strings, frame->file);

    if (length > 0 && file[0] == '<') {
        add_bracketed(out, file, length);
    } else {
        if (ends_with(file, length, ".py"))
            length -= 3;
        if (ends_with(file, length, "/__init__"))
            length -= 9;
        for (size_t i = 0; i < length; i++)
            if (i > 0 || file[i] != '/')
                pm_buffer_add_char(out, file[i] == '/' ? '.' : file[i]);
        if (length == 0)
            pm_buffer_add_text(out, UNKNOWN);
    }
    pm_buffer_add_char(out, '.');
    add_function(out, strings, frame);
}

/* Whether the path's part is a folder from which modules are imported:
   site-packages, dist-packages, python3.11 (not the name of a script). */
static bool is_import_folder(const char *part, size_t length)
{
    static const char python[] = "python";
    size_t prefix = sizeof python - 1;

    if (ends_with(part, length, "site-packages") || ends_with(part, length, "dist-packages"))
        return length == pm_length("site-packages");
    return length > prefix + 1 && pm_compare(part, python, prefix) == 0
        && part[prefix] >= '2' && part[prefix] <= '9' && part[prefix + 1] == '.';
}

/* Where the module's own name begins in its path: after the last folder of
   imports, else the last part; for a package's __init__.py one more. */
static size_t module_start(const char *file, size_t length)
{
    size_t start = 0, part = 0;
    bool found = false;

    for (size_t i = 0; i < length; i++) {
        if (file[i] != '/')
            continue;
        if (is_import_folder(file + part, i - part)) {
            found = true;
            start = i + 1;
        }
        part = i + 1;
    }
    if (found)
        return start;
    start = part;
    if (ends_with(file, length, "/__init__.py") && part > 0) {
        start--;
        while (start > 0 && file[start - 1] != '/')
            start--;
    }
    return start;
}

/* A name as a pattern for itself: what would end the line, change a terminal, or be taken for
   blanks around the name, becomes "?", for each byte one. */
static void add_pattern(struct pm_buffer *out, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length;) {
        u32 c = (u8)bytes[i];
        const unsigned decoded = pm_utf8_decode(bytes + i, length - i, &c);
        const unsigned size = decoded == 0 ? 1 : decoded;
        const bool edge = i == 0 || i + size == length;
        if (decoded == 0 || pm_character_is_harmful(c) || (c == ' ' && edge))
            pm_buffer_add_repeated(out, '?', size);
        else
            pm_buffer_add_bytes(out, bytes + i, size);
        i += size;
    }
}

static void add_python(struct pm_buffer *out, const struct pm_strings *strings,
                       const struct pm_frame *frame)
{
    struct pm_buffer dotted;
    const char *file = pm_strings_text(strings, frame->file);
    size_t length = pm_strings_length(strings, frame->file), start = 0;

    pm_buffer_init(&dotted);
    pm_suppression_add_dotted(&dotted, strings, frame);
    if (length > 0 && file[0] != '<') {
        start = module_start(file, length);
        if (start > 0 && file[0] == '/')
            start--;        /* the dotted name lacks the leading slash */
    }
    if (start > dotted.length)
        start = 0;
    add_pattern(out, dotted.bytes + start, dotted.length - start);
    pm_buffer_release(&dotted);
}

bool pm_suppression_suggest_frame(struct pm_buffer *out, const struct pm_strings *strings,
                                  const struct pm_frame *frame, enum pm_suppression_field *field)
{
    if (frame->kind == PM_FRAME_NOTE)
        return false;
    if (frame->kind == PM_FRAME_PYTHON) {
        *field = PM_SUPPRESS_PYFUN;
        add_python(out, strings, frame);
        return true;
    }
    *field = frame->function.v != 0 ? PM_SUPPRESS_FUN : PM_SUPPRESS_OBJ;
    struct pm_string_id name = frame->function.v != 0 ? frame->function : frame->object;
    if (name.v == 0)
        pm_buffer_add_char(out, '*');
    else
        add_pattern(out, pm_strings_text(strings, name), pm_strings_length(strings, name));
    return true;
}

static void add_field(struct pm_buffer *out, const char *field, const char *value)
{
    pm_buffer_add_text(out, INDENT);
    pm_buffer_add_text(out, field);
    pm_buffer_add_text(out, value);
    pm_buffer_add_char(out, '\n');
}

static void add_types(struct pm_buffer *out, const struct pm_suppression_tables *tables,
                      const struct pm_suppression_subject *subject)
{
    for (size_t i = 0; i < subject->type_count; i++) {
        struct pm_string_id name = subject->types[i].name;
        if (name.v == 0)
            continue;
        pm_buffer_add_text(out, INDENT);
        pm_buffer_add_text(out, pm_suppression_field_text(PM_SUPPRESS_TYPE));
        add_pattern(out, pm_strings_text(tables->strings, name),
                    pm_strings_length(tables->strings, name));
        pm_buffer_add_char(out, '\n');
    }
}

void pm_suppression_suggest(struct pm_buffer *out, const struct pm_suppression_tables *tables,
                            const struct pm_suppression_subject *subject)
{
    bool leak = subject->kind == PM_SUPPRESS_LEAK;
    struct pm_buffer pattern;

    pm_buffer_init(&pattern);
    pm_buffer_add_text(out, "{\n");
    add_field(out, "<" PM_SUPPRESSION_PLACEHOLDER ">", "");
    add_field(out, "pymemcheck:", leak ? "Leak" : "Free");
    if (leak) {
        add_field(out, "match-leak-kinds: ", pm_loss_kind_word(subject->loss));
        add_types(out, tables, subject);
    }
    for (struct pm_stack_id id = subject->stack; id.v != 0;
            id = pm_stacks_node(tables->stacks, id).parent) {
        enum pm_suppression_field field;
        struct pm_frame_id frame = pm_stacks_node(tables->stacks, id).frame;
        pm_buffer_clear(&pattern);
        if (pm_suppression_suggest_frame(&pattern, tables->strings,
                                         pm_frames_get(tables->frames, frame), &field))
            add_field(out, pm_suppression_field_text(field), pattern.bytes);
    }
    pm_buffer_add_text(out, "}\n");
    pm_buffer_release(&pattern);
}
