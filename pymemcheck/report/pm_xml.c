/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sentences are those of the text report: its functions write lines, and each
   line becomes an element. */
#include "report/pm_xml.h"

#include "base/pm_platform.h"
#include "heap/pm_loss_kinds.h"
#include "report/pm_utf8.h"

static void put(const struct pm_xml *xml, struct pm_buffer *line)
{
    pm_buffer_add_char(line, '\n');
    pm_sink_write(xml->out, line->bytes, line->length);
    pm_buffer_clear(line);
}

static void put_text(const struct pm_xml *xml, const char *text)
{
    struct pm_buffer line;

    pm_buffer_init(&line);
    pm_buffer_add_text(&line, text);
    put(xml, &line);
    pm_buffer_release(&line);
}

/* Bytes as XML text. U+FFFE and U+FFFF are no characters of XML. */
static void add_escaped(struct pm_buffer *out, const char *bytes, size_t length)
{
    struct pm_buffer harmless;

    pm_buffer_init(&harmless);
    pm_utf8_add_harmless(&harmless, bytes, length);
    for (size_t at = 0; at < harmless.length;) {
        u32 c;
        size_t size = pm_utf8_decode(harmless.bytes + at, harmless.length - at, &c);
        PM_ASSERT(size > 0);
        if (c == '&')
            pm_buffer_add_text(out, "&amp;");
        else if (c == '<')
            pm_buffer_add_text(out, "&lt;");
        else if (c == '>')
            pm_buffer_add_text(out, "&gt;");
        else if (c == 0xfffe || c == 0xffff)
            pm_utf8_add_escape(out, c);
        else
            pm_buffer_add_bytes(out, harmless.bytes + at, size);
        at += size;
    }
    pm_buffer_release(&harmless);
}

static void add_element(struct pm_buffer *out, const char *name, const char *bytes, size_t length)
{
    pm_buffer_add_char(out, '<');
    pm_buffer_add_text(out, name);
    pm_buffer_add_char(out, '>');
    add_escaped(out, bytes, length);
    pm_buffer_add_text(out, "</");
    pm_buffer_add_text(out, name);
    pm_buffer_add_char(out, '>');
}

static void add_text_element(struct pm_buffer *out, const char *name, const char *text)
{
    add_element(out, name, text, pm_length(text));
}

static void add_number(struct pm_buffer *out, const char *name, u64 value)
{
    struct pm_buffer digits;

    pm_buffer_init(&digits);
    pm_buffer_add_u64(&digits, value);
    add_element(out, name, digits.bytes, digits.length);
    pm_buffer_release(&digits);
}

/* --- Lines of the text report --- */

struct lines {
    const struct pm_xml *xml;
    const char *indent, *element;
};

static void put_line(void *context, const char *bytes, size_t length)
{
    const struct lines *lines = context;
    struct pm_buffer line;

    while (length > 0 && bytes[length - 1] == '\n')
        length--;
    for (; length > 0 && *bytes == ' '; length--)
        bytes++;
    if (length == 0)
        return;
    pm_buffer_init(&line);
    pm_buffer_add_text(&line, lines->indent);
    add_element(&line, lines->element, bytes, length);
    put(lines->xml, &line);
    pm_buffer_release(&line);
}

/* Lets what is written to the text from now on become elements. */
static struct pm_sink as_elements(struct lines *lines)
{
    return (struct pm_sink){ .write = put_line, .context = lines };
}

/* --- Stacks --- */

static void add_path(struct pm_buffer *line, const char *path, size_t length)
{
    size_t base = length;

    while (base > 0 && path[base - 1] != '/')
        base--;
    if (length > 0 && path[0] == '<')
        base = 0;
    if (base > 0) {
        pm_buffer_add_text(line, " ");
        add_element(line, "dir", path, base > 1 ? base - 1 : 1);
    }
    pm_buffer_add_text(line, " ");
    add_element(line, "file", path + base, length - base);
}

static void put_frame(const struct pm_xml *xml, struct pm_frame_id id, struct pm_buffer *line)
{
    const struct pm_profile *profile = xml->text->profile;
    const struct pm_frame *frame = pm_frames_get(profile->frames, id);
    const struct pm_strings *strings = profile->strings;

    pm_buffer_add_text(line, "    <frame> <ip>0x");
    pm_buffer_add_hex(line, xml->address != NULL ? xml->address(xml->context, id) : 0);
    pm_buffer_add_text(line, "</ip>");
    if (frame->object.v != 0) {
        pm_buffer_add_text(line, " ");
        add_element(line, "obj", pm_strings_text(strings, frame->object),
                    pm_strings_length(strings, frame->object));
    }
    if (frame->function.v != 0) {
        pm_buffer_add_text(line, " ");
        add_element(line, "fn", pm_strings_text(strings, frame->function),
                    pm_strings_length(strings, frame->function));
    }
    if (frame->file.v != 0)
        add_path(line, pm_strings_text(strings, frame->file),
                 pm_strings_length(strings, frame->file));
    if (frame->line != 0) {
        pm_buffer_add_text(line, " ");
        add_number(line, "line", frame->line);
    }
    pm_buffer_add_text(line, " </frame>");
    put(xml, line);
}

static void put_stack(const struct pm_xml *xml, struct pm_stack_id stack)
{
    struct pm_buffer line;

    pm_buffer_init(&line);
    put_text(xml, "  <stack>");
    if (stack.v == 0)
        put_text(xml, "    <frame> <ip>0x0</ip> </frame>");
    for (; stack.v != 0; stack = pm_stacks_node(xml->text->profile->stacks, stack).parent)
        put_frame(xml, pm_stacks_node(xml->text->profile->stacks, stack).frame, &line);
    put_text(xml, "  </stack>");
    pm_buffer_release(&line);
}

/* --- Errors --- */

static void put_kind(const struct pm_xml *xml, const char *kind)
{
    struct pm_buffer line;

    pm_buffer_init(&line);
    pm_buffer_add_text(&line, "  ");
    add_text_element(&line, "kind", kind);
    put(xml, &line);
    pm_buffer_release(&line);
}

static void put_leaked(const struct pm_xml *xml, const struct pm_loss *loss)
{
    struct pm_buffer line;

    pm_buffer_init(&line);
    pm_buffer_add_text(&line, "    ");
    add_number(&line, "leakedbytes", loss->bytes + loss->indirect_bytes);
    put(xml, &line);
    pm_buffer_add_text(&line, "    ");
    add_number(&line, "leakedblocks", loss->blocks);
    put(xml, &line);
    pm_buffer_release(&line);
}

void pm_xml_write_loss(const struct pm_xml *xml, const struct pm_loss *loss, u32 number, u32 count)
{
    static const char *const kinds[PM_LOSS_KINDS] = {
        [PM_LOSS_DEFINITE] = "Leak_DefinitelyLost",
        [PM_LOSS_CYCLE] = "Leak_GarbageCycle",
        [PM_LOSS_SURPLUS] = "Leak_SurplusReferences",
        [PM_LOSS_POSSIBLE] = "Leak_PossiblyLost",
        [PM_LOSS_INDIRECT] = "Leak_IndirectlyLost",
        [PM_LOSS_INTERPRETER] = "Leak_Interpreter",
        [PM_LOSS_REACHABLE] = "Leak_StillReachable",
    };
    struct lines what = { xml, "    ", "text" }, more = { xml, "  ", "auxwhat" };
    const struct pm_sink headline = as_elements(&what), details = as_elements(&more);
    struct pm_text *text = xml->text;
    const struct pm_sink *before = text->sink;

    put_kind(xml, kinds[loss->kind]);
    put_text(xml, "  <xwhat>");
    text->sink = &headline;
    pm_text_put_loss_headline(text, loss, number, count);
    put_leaked(xml, loss);
    put_text(xml, "  </xwhat>");
    put_stack(xml, loss->stack);
    text->sink = &details;
    pm_text_put_loss_types(text, loss);
    pm_text_put_loss_story(text, loss);
    text->sink = before;
}

void pm_xml_write_wrong_free(const struct pm_xml *xml, const struct pm_wrong_free *wrong)
{
    struct lines what = { xml, "  ", "what" }, more = { xml, "  ", "auxwhat" };
    const struct pm_sink headline = as_elements(&what), details = as_elements(&more);
    struct pm_text *text = xml->text;
    const struct pm_sink *before = text->sink;

    put_kind(xml, wrong->kind == PM_FREE_INVALID ? "InvalidFree" : "MismatchedFree");
    text->sink = &headline;
    pm_text_add_wrong_free(text, wrong);
    pm_text_end_line(text);
    put_stack(xml, wrong->stack);
    text->sink = &details;
    if (wrong->place != PM_PLACE_ELSEWHERE) {
        pm_text_add_wrong_free_place(text, wrong);
        pm_text_end_line(text);
        if (wrong->place == PM_PLACE_FREED) {
            if (wrong->block.freed.v != 0)
                put_stack(xml, wrong->block.freed);
            else
                pm_text_put_line(text, PM_TEXT_HOW_TO_KEEP_FREES);
            pm_text_put_line(text, "Block was alloc'd at");
        }
        put_stack(xml, wrong->block.allocated);
    }
    text->sink = before;
}

/* --- Suppressions --- */

static void put_suppressed_frame(const struct pm_xml *xml, enum pm_suppression_field field,
                                 const struct pm_buffer *pattern, struct pm_buffer *line)
{
    const char *name = field == PM_SUPPRESS_PYFUN ? "pyfun" : field == PM_SUPPRESS_OBJ ? "obj" : "fun";

    pm_buffer_add_text(line, "    <sframe> ");
    add_element(line, name, pattern->bytes, pattern->length);
    pm_buffer_add_text(line, " </sframe>");
    put(xml, line);
}

/* The entry as text in CDATA, which has no way to hold its own end but in two pieces. A byte that is
   no XML becomes a "?", which matches it. */
static void put_raw(const struct pm_xml *xml, const struct pm_suppression_tables *tables,
                    const struct pm_suppression_subject *subject)
{
    struct pm_buffer entry, line;

    pm_buffer_init(&entry);
    pm_buffer_init(&line);
    pm_suppression_suggest(&entry, tables, subject);
    put_text(xml, "    <rawtext>");
    pm_buffer_add_text(&line, "<![CDATA[\n");
    for (size_t at = 0; at < entry.length;) {
        u32 c;
        size_t size = pm_utf8_decode(entry.bytes + at, entry.length - at, &c);
        bool whole = size > 0 && (c >= ' ' || c == '\n') && !(c >= 0xd800 && c <= 0xdfff)
            && c != 0xfffe && c != 0xffff;
        if (entry.length - at >= 3 && pm_compare(entry.bytes + at, "]]>", 3) == 0) {
            pm_buffer_add_text(&line, "]]]]><![CDATA[>");
            size = 3;
        } else if (whole) {
            pm_buffer_add_bytes(&line, entry.bytes + at, size);
        } else {
            size = size == 0 ? 1 : size;
            pm_buffer_add_repeated(&line, '?', size);
        }
        at += size;
    }
    pm_buffer_add_text(&line, "]]>");
    put(xml, &line);
    put_text(xml, "    </rawtext>");
    pm_buffer_release(&entry);
    pm_buffer_release(&line);
}

void pm_xml_write_suppression(const struct pm_xml *xml, const struct pm_suppression_tables *tables,
                              const struct pm_suppression_subject *subject)
{
    bool leak = subject->kind == PM_SUPPRESS_LEAK;
    struct pm_buffer pattern, line;

    pm_buffer_init(&pattern);
    pm_buffer_init(&line);
    put_text(xml, "  <suppression>");
    put_text(xml, "    <sname>" PM_SUPPRESSION_PLACEHOLDER "</sname>");
    put_text(xml, leak ? "    <skind>pymemcheck:Leak</skind>" : "    <skind>pymemcheck:Free</skind>");
    if (leak) {
        pm_buffer_add_text(&line, "    <skaux>match-leak-kinds: ");
        pm_buffer_add_text(&line, pm_loss_kind_word(subject->loss));
        pm_buffer_add_text(&line, "</skaux>");
        put(xml, &line);
    }
    for (struct pm_stack_id id = subject->stack; id.v != 0;
            id = pm_stacks_node(tables->stacks, id).parent) {
        const struct pm_frame *frame = pm_frames_get(tables->frames,
                                                     pm_stacks_node(tables->stacks, id).frame);
        enum pm_suppression_field field;
        pm_buffer_clear(&pattern);
        if (pm_suppression_suggest_frame(&pattern, tables->strings, frame, &field))
            put_suppressed_frame(xml, field, &pattern, &line);
    }
    put_raw(xml, tables, subject);
    put_text(xml, "  </suppression>");
    pm_buffer_release(&pattern);
    pm_buffer_release(&line);
}
