/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heap/pm_suggestions.h"

#include "base/pm_characters.h"
#include "heap/pm_dotted.h"
#include "heap/pm_loss_kinds.h"

#define INDENT "   "

/* A pattern that matches the name: a character that would end the line or change a terminal, and a
   blank at either end of the name, become "?", one for each byte. */
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

    pm_buffer_init(&dotted);
    pm_dotted_add_module(&dotted, strings, frame);
    add_pattern(out, dotted.bytes, dotted.length);
    pm_buffer_release(&dotted);
}

bool pm_suggestion_add_frame(struct pm_buffer *out, const struct pm_strings *strings,
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

static void add_types(struct pm_buffer *out, const struct pm_tables *tables,
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

void pm_suggestion_add(struct pm_buffer *out, const struct pm_tables *tables,
                       const struct pm_suppression_subject *subject)
{
    bool leak = subject->kind == PM_SUPPRESS_LEAK;
    struct pm_buffer pattern;

    pm_buffer_init(&pattern);
    pm_buffer_add_text(out, "{\n");
    add_field(out, "<" PM_SUGGESTION_PLACEHOLDER ">", "");
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
        if (pm_suggestion_add_frame(&pattern, tables->strings,
                                    pm_frames_get(tables->frames, frame), &field))
            add_field(out, pm_suppression_field_text(field), pattern.bytes);
    }
    pm_buffer_add_text(out, "}\n");
    pm_buffer_release(&pattern);
}
