/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_options.h"

#include "tool/watch/pm_watch_rules.h"

#include "base/pm_pattern.h"
#include "base/pm_platform.h"
#include "heap/pm_loss_keys.h"

#define EXPECTED "type:NAME, line:FILE:LINE, birth:FUNCTION, object:NAME, asked or a fingerprint of 16 digits"

static bool starts(const char *text, size_t length, const char *start)
{
    const size_t bytes = pm_length(start);

    return length > bytes && pm_compare(text, start, bytes) == 0;
}

static bool parse_fingerprint(const char *text, size_t length, u64 *fingerprint)
{
    enum { DIGITS = 16 };

    *fingerprint = 0;
    if (length != DIGITS)
        return false;
    for (size_t i = 0; i < length; i++) {
        const char c = text[i];
        const bool decimal = c >= '0' && c <= '9', letter = c >= 'a' && c <= 'f';
        if (!decimal && !letter)
            return false;
        *fingerprint = *fingerprint << 4 | (u64)(decimal ? c - '0' : c - 'a' + 10);
    }
    return true;
}

/* "job.py:33" */
static bool parse_line(struct pm_watch_rule *rule)
{
    size_t colon = rule->length;
    u64 line = 0;

    while (colon > 0 && rule->text[colon - 1] != ':')
        colon--;
    if (colon < 2 || colon == rule->length)
        return false;
    for (size_t i = colon; i < rule->length; i++) {
        if (rule->text[i] < '0' || rule->text[i] > '9' || line > INT32_MAX / 10)
            return false;
        line = line * 10 + (u64)(rule->text[i] - '0');
    }
    rule->line = (u32)line;
    rule->length = colon - 1;
    return line > 0;
}

static bool parse_rule(struct pm_watch_rule *rule, const char *text, size_t length)
{
    static const struct {
        const char *word;
        enum pm_watch_rule_kind kind;
    } words[] = {
        { "type:", PM_WATCH_TYPE }, { "line:", PM_WATCH_LINE }, { "birth:", PM_WATCH_BIRTH },
        { "object:", PM_WATCH_OBJECT },
    };

    for (size_t i = 0; i < PM_ARRAY_LENGTH(words); i++)
        if (starts(text, length, words[i].word)) {
            const size_t word = pm_length(words[i].word);
            *rule = (struct pm_watch_rule){
                .kind = words[i].kind, .text = text + word, .length = length - word,
            };
            return rule->kind != PM_WATCH_LINE || parse_line(rule);
        }
    if (length == sizeof "asked" - 1 && pm_compare(text, "asked", length) == 0) {
        *rule = (struct pm_watch_rule){ .kind = PM_WATCH_ASKED };
        return true;
    }
    *rule = (struct pm_watch_rule){ .kind = PM_WATCH_FINGERPRINT, .text = text, .length = length };
    return parse_fingerprint(text, length, &rule->fingerprint);
}

void pm_watch_rules_parse(struct pm_watch_rules *rules, const char *arg, const char *value)
{
    for (;;) {
        size_t length = 0;
        while (value[length] != '\0' && value[length] != ',')
            length++;
        if (rules->count == PM_WATCH_RULES_MOST)
            VG_(fmsg_bad_option)(arg, "expected at most %d things to watch\n", PM_WATCH_RULES_MOST);
        struct pm_watch_rule *rule = &rules->at[rules->count];
        if (!parse_rule(rule, value, length))
            VG_(fmsg_bad_option)(arg, "expected " EXPECTED ", separated by commas\n");
        rules->only_types = rule->kind == PM_WATCH_TYPE && (rules->count == 0 || rules->only_types);
        rules->any_place |= rule->kind == PM_WATCH_TYPE;
        rules->count++;
        if (value[length] == '\0')
            break;
        value += length + 1;
    }
}

static bool matches_end(const struct pm_watch_rule *rule, const struct pm_strings *strings,
                        struct pm_string_id text, char separator)
{
    return pm_pattern_matches_end(rule->text, rule->length, pm_strings_text(strings, text),
                                  pm_strings_length(strings, text), separator);
}

/* Whether the function is among the innermost frames, up to and including the first one of Python. */
static bool is_born_in(const struct pm_watch_rule *rule, const struct pm_tables *tables, struct pm_stack_id stack)
{
    for (struct pm_stack_id at = stack; at.v != 0;) {
        const struct pm_stack_node node = pm_stacks_node(tables->stacks, at);
        const struct pm_frame *frame = pm_frames_get(tables->frames, node.frame);
        if (frame->function.v != 0 && matches_end(rule, tables->strings, frame->function, '.'))
            return true;
        if (frame->kind == PM_FRAME_PYTHON)
            return false;
        at = node.parent;
    }
    return false;
}

static bool is_born_at(const struct pm_watch_rule *rule, const struct pm_tables *tables, struct pm_stack_id stack)
{
    for (struct pm_stack_id at = stack; at.v != 0;) {
        const struct pm_stack_node node = pm_stacks_node(tables->stacks, at);
        const struct pm_frame *frame = pm_frames_get(tables->frames, node.frame);
        if (frame->kind == PM_FRAME_PYTHON)
            return frame->line == rule->line && matches_end(rule, tables->strings, frame->file, '/');
        at = node.parent;
    }
    return false;
}

static bool matches_place(const struct pm_watch_rule *rule, const struct pm_tables *tables, struct pm_stack_id stack)
{
    return (rule->kind == PM_WATCH_LINE && is_born_at(rule, tables, stack))
        || (rule->kind == PM_WATCH_BIRTH && is_born_in(rule, tables, stack));
}

bool pm_watch_rules_match_place(const struct pm_watch_rules *rules, const struct pm_tables *tables,
                                struct pm_stack_id stack)
{
    for (u32 i = 0; i < rules->count; i++) {
        const struct pm_watch_rule *rule = &rules->at[i];
        if (matches_place(rule, tables, stack)
                || (rule->kind == PM_WATCH_FINGERPRINT && pm_loss_may_be_born(tables, stack, rule->fingerprint)))
            return true;
    }
    return false;
}

bool pm_watch_rules_match_birth(const struct pm_watch_rules *rules, const struct pm_tables *tables,
                                struct pm_stack_id stack)
{
    return rules->any_place || pm_watch_rules_match_place(rules, tables, stack);
}

bool pm_watch_rules_match(const struct pm_watch_rules *rules, const struct pm_tables *tables,
                          struct pm_stack_id stack, struct pm_string_id type)
{
    for (u32 i = 0; i < rules->count; i++) {
        const struct pm_watch_rule *rule = &rules->at[i];
        if ((rule->kind == PM_WATCH_TYPE && type.v != 0 && matches_end(rule, tables->strings, type, '.'))
                || matches_place(rule, tables, stack)
                || (rule->kind == PM_WATCH_FINGERPRINT
                    && pm_loss_may_be(tables, rules->resolution, stack, type, rule->fingerprint)))
            return true;
    }
    return false;
}

/* Where the part behind the last dot begins. */
static size_t last_part(const char *name, size_t length)
{
    size_t at = length;

    while (at > 0 && name[at - 1] != '.')
        at--;
    return at;
}

const char *pm_watch_rule_last_part(const struct pm_watch_rule *rule, size_t *length)
{
    const size_t at = last_part(rule->text, rule->length);

    *length = rule->length - at;
    return rule->text + at;
}

bool pm_watch_rule_has_wildcard(const struct pm_watch_rule *rule)
{
    for (size_t i = 0; i < rule->length; i++)
        if (rule->text[i] == '*' || rule->text[i] == '?')
            return true;
    return false;
}

bool pm_watch_rule_may_name(const struct pm_watch_rule *rule, const char *name)
{
    const size_t bytes = pm_length(name), at = last_part(name, bytes);
    size_t length;
    const char *wanted = pm_watch_rule_last_part(rule, &length);

    return length == bytes - at && pm_compare(wanted, name + at, length) == 0;
}
