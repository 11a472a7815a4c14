/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands between <error> and </error> in Valgrind's XML protocol 4, and a <conclusion> behind the last error
   (docs/internals/xml-output-protocol4.txt of Valgrind 3.19; later protocols,
   up to 6, change nothing here). The core writes the rest.

   Kinds are Memcheck's where it has them, and also Leak_GarbageCycle,
   Leak_SurplusReferences, Leak_OverReleased and Leak_Interpreter. A Python frame is a <frame> with the
   interpreter's obj, fn, dir, file and line, and an <ip> of 0x0. Bytes that XML cannot hold are written as escapes.

   Sentences are those of the text report: its functions write lines to a sink
   of ours, which makes an element of each line. */
#include "base/pm_platform.h"
#include "heap/pm_loss_kinds.h"
#include "heap/pm_suggestions.h"
#include "report/pm_formats.h"
#include "report/pm_text_parts.h"
#include "report/pm_utf8.h"

struct xml {
    const struct pm_writer_options *options;
    const struct pm_sink *out;
    /* Writes the sentences, during a search or a wrong free. */
    struct pm_text text;
    struct pm_text_options text_options;
    struct pm_sink sentences;
    const char *indent, *element;       /* of the sentences that come next */
};

static void put(const struct xml *xml, struct pm_buffer *line)
{
    pm_buffer_add_char(line, '\n');
    pm_sink_write(xml->out, line->bytes, line->length);
    pm_buffer_clear(line);
}

static void put_text(const struct xml *xml, const char *text)
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

/* --- Sentences of the text report --- */

/* A pm_sink. */
static void put_sentence(void *context, const char *bytes, size_t length)
{
    const struct xml *xml = context;
    struct pm_buffer line;

    while (length > 0 && bytes[length - 1] == '\n')
        length--;
    for (; length > 0 && *bytes == ' '; length--)
        bytes++;
    if (length == 0)
        return;
    pm_buffer_init(&line);
    pm_buffer_add_text(&line, xml->indent);
    add_element(&line, xml->element, bytes, length);
    put(xml, &line);
    pm_buffer_release(&line);
}

static void put_sentences_as(struct xml *xml, const char *indent, const char *element)
{
    xml->indent = indent;
    xml->element = element;
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

static u64 address_of(const struct xml *xml, struct pm_frame_id frame)
{
    const struct pm_writer_options *options = xml->options;
    return options->address != NULL ? options->address(options->address_context, frame) : 0;
}

/* The ELF object with the interpreter's evaluation function; "": no stack has one. */
static struct pm_string_id find_interpreter(const struct pm_frames *frames)
{
    for (u32 i = 0; i < frames->count; i++)
        if (frames->entries[i].kind == PM_FRAME_NATIVE && (frames->entries[i].flags & PM_FRAME_EVAL))
            return frames->entries[i].object;
    return (struct pm_string_id){ 0 };
}

/* interpreter is the object of Python frames: readers pass over frames without one. */
static void put_frame(const struct xml *xml, struct pm_frame_id id, struct pm_string_id interpreter,
                      struct pm_buffer *line)
{
    const struct pm_profile *profile = xml->text.profile;
    const struct pm_frame *frame = pm_frames_get(profile->frames, id);
    const struct pm_strings *strings = profile->strings;

    pm_buffer_add_text(line, "    <frame> <ip>0x");
    pm_buffer_add_hex(line, address_of(xml, id));
    pm_buffer_add_text(line, "</ip>");
    const struct pm_string_id object = frame->kind == PM_FRAME_PYTHON ? interpreter : frame->object;
    if (object.v != 0) {
        pm_buffer_add_text(line, " ");
        add_element(line, "obj", pm_strings_text(strings, object), pm_strings_length(strings, object));
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

static void put_stack(const struct xml *xml, struct pm_stack_id stack)
{
    const struct pm_profile *profile = xml->text.profile;
    struct pm_string_id interpreter = find_interpreter(profile->frames);
    struct pm_buffer line;

    pm_buffer_init(&line);
    put_text(xml, "  <stack>");
    if (stack.v == 0)
        put_text(xml, "    <frame> <ip>0x0</ip> </frame>");
    while (stack.v != 0) {
        const struct pm_stack_node node = pm_stacks_node(profile->stacks, stack);
        const struct pm_frame *frame = pm_frames_get(profile->frames, node.frame);
        if (frame->kind == PM_FRAME_NATIVE && (frame->flags & PM_FRAME_EVAL))
            interpreter = frame->object;
        put_frame(xml, node.frame, interpreter, &line);
        stack = node.parent;
    }
    put_text(xml, "  </stack>");
    pm_buffer_release(&line);
}

/* --- Errors --- */

static void put_kind(const struct xml *xml, const char *kind)
{
    struct pm_buffer line;

    pm_buffer_init(&line);
    pm_buffer_add_text(&line, "  ");
    add_text_element(&line, "kind", kind);
    put(xml, &line);
    pm_buffer_release(&line);
}

static void put_leaked(const struct xml *xml, const struct pm_loss *loss)
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

static void write_loss(void *writer, const struct pm_loss *loss, u32 number, u32 count)
{
    static const char *const kinds[PM_LOSS_KINDS] = {
        [PM_LOSS_DEFINITE] = "Leak_DefinitelyLost",
        [PM_LOSS_CYCLE] = "Leak_GarbageCycle",
        [PM_LOSS_SURPLUS] = "Leak_SurplusReferences",
        [PM_LOSS_DEFICIT] = "Leak_OverReleased",
        [PM_LOSS_POSSIBLE] = "Leak_PossiblyLost",
        [PM_LOSS_INDIRECT] = "Leak_IndirectlyLost",
        [PM_LOSS_INTERPRETER] = "Leak_Interpreter",
        [PM_LOSS_REACHABLE] = "Leak_StillReachable",
    };
    struct xml *xml = writer;

    put_kind(xml, kinds[loss->kind]);
    put_text(xml, "  <xwhat>");
    put_sentences_as(xml, "    ", "text");
    pm_text_put_loss_headline(&xml->text, loss, number, count);
    put_leaked(xml, loss);
    put_text(xml, "  </xwhat>");
    put_stack(xml, loss->stack);
    put_sentences_as(xml, "  ", "auxwhat");
    pm_text_put_loss_types(&xml->text, loss);
    pm_text_put_loss_story(&xml->text, loss);
}

static void put_place(struct xml *xml, const struct pm_wrong_free *wrong)
{
    if (wrong->place == PM_PLACE_ELSEWHERE)
        return;
    put_sentences_as(xml, "  ", "auxwhat");
    pm_text_add_wrong_free_place(&xml->text, wrong);
    pm_text_end_line(&xml->text);
    if (wrong->place == PM_PLACE_FREED) {
        if (wrong->block.freed.v != 0)
            put_stack(xml, wrong->block.freed);
        else
            pm_text_put_line(&xml->text, PM_TEXT_HOW_TO_KEEP_FREES);
        pm_text_put_line(&xml->text, "Block was alloc'd at");
    }
    put_stack(xml, wrong->block.allocated);
}

static void write_wrong_free(void *writer, const struct pm_tables *tables,
                             const struct pm_wrong_free *wrong)
{
    const struct pm_profile profile = {
        .strings = tables->strings,
        .frames = tables->frames,
        .stacks = tables->stacks,
    };
    struct xml *xml = writer;

    if (wrong->times > 0)
        return;                 /* the core's <errorcounts> have it */
    pm_text_init(&xml->text, &profile, &xml->text_options, &xml->sentences);
    put_kind(xml, wrong->kind == PM_FREE_INVALID ? "InvalidFree" : "MismatchedFree");
    put_sentences_as(xml, "  ", "what");
    pm_text_add_wrong_free(&xml->text, wrong);
    pm_text_end_line(&xml->text);
    put_stack(xml, wrong->stack);
    put_place(xml, wrong);
    pm_text_release(&xml->text);
}

/* --- Suggestions --- */

static void put_suppressed_frame(const struct xml *xml, enum pm_suppression_field field,
                                 const struct pm_buffer *pattern, struct pm_buffer *line)
{
    const char *name = field == PM_SUPPRESS_PYFUN ? "pyfun" : field == PM_SUPPRESS_OBJ ? "obj" : "fun";

    pm_buffer_add_text(line, "    <sframe> ");
    add_element(line, name, pattern->bytes, pattern->length);
    pm_buffer_add_text(line, " </sframe>");
    put(xml, line);
}

/* The entry as text in CDATA. CDATA cannot hold "]]>", so that is split over two of them. A byte that XML
   cannot hold becomes a "?", which matches it. */
static void put_raw(const struct xml *xml, const struct pm_tables *tables,
                    const struct pm_suppression_subject *subject)
{
    struct pm_buffer entry, line;

    pm_buffer_init(&entry);
    pm_buffer_init(&line);
    pm_suggestion_add(&entry, tables, subject);
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

/* <suppression> */
static void write_suggestion(void *writer, const struct pm_tables *tables,
                             const struct pm_suppression_subject *subject)
{
    const struct xml *xml = writer;
    bool leak = subject->kind == PM_SUPPRESS_LEAK;
    struct pm_buffer pattern, line;

    pm_buffer_init(&pattern);
    pm_buffer_init(&line);
    put_text(xml, "  <suppression>");
    put_text(xml, "    <sname>" PM_SUGGESTION_PLACEHOLDER "</sname>");
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
        if (pm_suggestion_add_frame(&pattern, tables->strings, frame, &field))
            put_suppressed_frame(xml, field, &pattern, &line);
    }
    put_raw(xml, tables, subject);
    put_text(xml, "  </suppression>");
    pm_buffer_release(&pattern);
    pm_buffer_release(&line);
}

/* --- The format --- */

static void *open_xml(const struct pm_writer_options *options, const struct pm_sink *sink)
{
    struct xml *xml = pm_alloc("pm.xml", sizeof *xml);

    *xml = (struct xml){ .options = options, .out = sink, .sentences = { put_sentence, xml } };
    return xml;
}

static void begin_search(void *writer, const struct pm_profile *profile, enum pm_search_moment moment)
{
    struct xml *xml = writer;

    (void)moment;
    pm_text_init(&xml->text, profile, &xml->text_options, &xml->sentences);
}

static void end_search(void *writer, const struct pm_losses *losses)
{
    struct xml *xml = writer;

    (void)losses;
    pm_text_release(&xml->text);
}

/* What is in no loss record; loss records have their own balances. */
static void write_watched(struct xml *xml, const struct pm_profile *profile)
{
    if (profile->watched == NULL)
        return;
    put_text(xml, "<watched>");
    put_sentences_as(xml, "  ", "text");
    pm_text_init(&xml->text, profile, &xml->text_options, &xml->sentences);
    pm_text_write_watched(&xml->text);
    pm_text_release(&xml->text);
    put_text(xml, "</watched>");
    put_text(xml, "");
}

/* Not elements of the protocol, whose readers pass over elements that they do not know. */
static void write_end(void *writer, const struct pm_profile *profile)
{
    struct xml *xml = writer;

    write_watched(xml, profile);
    put_text(xml, "<conclusion>");
    put_sentences_as(xml, "  ", "text");
    pm_text_conclude(profile, &xml->options->text, &xml->sentences);
    put_text(xml, "</conclusion>");
    put_text(xml, "");
}

const struct pm_format pm_xml_format = {
    .name = "xml",
    .channel = PM_CHANNEL_XML,
    .open = open_xml,
    .close = pm_free,
    .search_begin = begin_search,
    .loss = write_loss,
    .search_end = end_search,
    .end = write_end,
    .wrong_free = write_wrong_free,
    .suggestion = write_suggestion,
};
