/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tool/leaks/pm_leak_expression.h"

#include "base/pm_platform.h"
#include "tool/pm_run.h"

void pm_leak_expression_init(struct pm_leak_expression *expression, struct pm_leak_state *check)
{
    *expression = (struct pm_leak_expression){ .check = check };
    pm_buffer_init(&expression->text);
}

void pm_leak_expression_release(struct pm_leak_expression *expression)
{
    pm_buffer_release(&expression->text);
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (u8)c >= 0x80;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool ends_with(const char *text, size_t length, const char *end)
{
    size_t n = pm_length(end);

    return length >= n && pm_compare(text + length - n, end, n) == 0;
}

/* Whether a field can be written in Python: an attribute, or an item whose key is a whole literal. Keys of other
   types are shown by their type or their length, and long texts are cut. */
static bool is_expression(const char *field)
{
    const char *key = field + 1;

    if (field[0] == '.')
        return is_letter(key[0]);
    return field[0] == '[' && !ends_with(field, pm_length(field), "...]")
        && (is_digit(key[0]) || key[0] == '-' || key[0] == '\'' || key[0] == '"' || pm_text_starts(key, "b'")
            || pm_text_starts(key, "b\"") || pm_text_starts(key, "True]") || pm_text_starts(key, "False]"));
}

/* The length of the name in ['name'], if it is an identifier; else 0. */
static size_t attribute_length(const char *field)
{
    size_t length = 0;

    if ((!pm_text_starts(field, "['") && !pm_text_starts(field, "[\"")) || !is_letter(field[2]))
        return 0;
    while (is_letter(field[2 + length]) || is_digit(field[2 + length]))
        length++;
    return field[2 + length] == field[1] && field[3 + length] == ']' && field[4 + length] == '\0' ? length : 0;
}

/* x.__dict__['name'] is written x.name. */
static void add_step(struct pm_buffer *text, const char *field)
{
    static const char dict[] = ".__dict__";
    size_t length = attribute_length(field);

    if (length > 0 && ends_with(text->bytes, text->length, dict)) {
        text->length -= sizeof dict - 1;
        text->bytes[text->length] = '\0';
        pm_buffer_add_char(text, '.');
        pm_buffer_add_bytes(text, field + 2, length);
    } else if (pm_text_starts(field, ".ob_type")) {
        pm_buffer_add_text(text, ".__class__");
    } else {
        pm_buffer_add_text(text, field);
    }
}

static void end_before(struct pm_leak_expression *expression, u32 line)
{
    if (expression->ended)
        return;
    expression->ended = true;
    expression->rest = line;
}

static void take_field(struct pm_leak_expression *expression, const char *field, u32 line)
{
    expression->pending = false;
    if (!expression->begun || expression->ended)
        return;
    if (is_expression(field))
        add_step(&expression->text, field);
    else
        end_before(expression, line);
}

static const char *type_name(struct pm_leak_expression *expression, u64 type)
{
    struct pm_leak_state *check = expression->check;

    return pm_strings_text(&check->run->strings, pm_objects_type_name(&check->objects, type));
}

static bool has_dot(const char *name)
{
    while (*name != '\0' && *name != '.')
        name++;
    return *name == '.';
}

/* Starts at a module, or at a class if nothing has been started. */
static void begin_at(struct pm_leak_expression *expression, const struct pm_object *object)
{
    struct pm_objects *objects = &expression->check->objects;
    bool module = pm_length(type_name(expression, object->type)) == 6
        && pm_text_starts(type_name(expression, object->type), "module");

    if (module) {
        pm_buffer_clear(&expression->text);
        pm_objects_preview(objects, object, &expression->text);
    } else if (!expression->begun && pm_objects_is_type(objects, object)
               && has_dot(type_name(expression, object->address))) {
        pm_buffer_add_text(&expression->text, type_name(expression, object->address));
    } else {
        return;
    }
    expression->begun = expression->text.length > 0;
    expression->ended = expression->pending = false;
}

void pm_leak_expression_add_object(struct pm_leak_expression *expression, const struct pm_object *object,
                                   const char *field, u32 line)
{
    if (expression->pending)
        end_before(expression, expression->pending_line);
    expression->pending = false;
    begin_at(expression, object);
    if (field[0] != '\0') {
        take_field(expression, field, line);
    } else {
        expression->pending = true;
        expression->pending_line = line;
    }
}

void pm_leak_expression_add_part(struct pm_leak_expression *expression, const char *field, u32 line)
{
    take_field(expression, field, line);
}

void pm_leak_expression_add_block(struct pm_leak_expression *expression, u32 line)
{
    if (expression->pending)
        end_before(expression, expression->pending_line);
    expression->pending = false;
    end_before(expression, line);
}

u32 pm_leak_expression_finish(struct pm_leak_expression *expression, u32 lines)
{
    if (expression->pending)
        end_before(expression, expression->pending_line);
    if (!expression->begun)
        return 0;
    return expression->ended ? expression->rest : lines;
}
