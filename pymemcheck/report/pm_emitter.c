/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A large profile is a few million numbers, so what is done for one of them is
   kept short: its digits are written where the sink will read them.

   make_room hands the chunk over when it holds chunk_bytes or more. Behind
   these there are ITEM_ROOM bytes more, so after it a whole number or bracket,
   with all that separates it from the item before, is put without a check.
   Only strings can be longer: put_bytes makes room on its own, and leaves it. */
#include "report/pm_emitter.h"

#include "base/pm_platform.h"
#include "report/pm_utf8.h"

enum {
    DEFAULT_CHUNK_BYTES = 64 * 1024,
    LONG_LINE = 100,
    U64_DIGITS = 20,
    /* Comma, line break and indent; a quote on each side, colon and space; a
       sign and the digits; the NUL. */
    ITEM_ROOM = 2 + PM_EMITTER_MAX_DEPTH + 4 + 1 + U64_DIGITS + 1,
};

void pm_emitter_init(struct pm_emitter *emitter, const struct pm_sink *sink, size_t chunk_bytes)
{
    *emitter = (struct pm_emitter){
        .sink = sink,
        .chunk_bytes = chunk_bytes != 0 ? chunk_bytes : DEFAULT_CHUNK_BYTES,
    };
    emitter->chunk = pm_alloc("pm.emitter", emitter->chunk_bytes + ITEM_ROOM);
    pm_buffer_init(&emitter->escape);
}

static void flush(struct pm_emitter *emitter)
{
    emitter->chunk[emitter->used] = '\0';
    pm_sink_write(emitter->sink, emitter->chunk, emitter->used);
    emitter->line_start -= emitter->used;
    emitter->used = 0;
}

static void make_room(struct pm_emitter *emitter)
{
    if (emitter->used >= emitter->chunk_bytes)
        flush(emitter);
}

static void put(struct pm_emitter *emitter, char c)
{
    emitter->chunk[emitter->used++] = c;
}

static void put_bytes(struct pm_emitter *emitter, const char *bytes, size_t length)
{
    while (length > 0) {
        make_room(emitter);
        size_t room = emitter->chunk_bytes - emitter->used;
        size_t piece = length < room ? length : room;
        pm_copy(emitter->chunk + emitter->used, bytes, piece);
        emitter->used += piece;
        bytes += piece;
        length -= piece;
    }
}

static void put_u64(struct pm_emitter *emitter, u64 value)
{
    unsigned digits = 1;

    for (u64 limit = 10; digits < U64_DIGITS && value >= limit; limit *= 10)
        digits++;
    emitter->used += digits;
    char *at = emitter->chunk + emitter->used;
    do {
        *--at = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
}

void pm_emitter_finish(struct pm_emitter *emitter)
{
    PM_ASSERT(emitter->depth == 0 && !emitter->after_key);
    make_room(emitter);
    put(emitter, '\n');
    flush(emitter);
    pm_free(emitter->chunk);
    pm_buffer_release(&emitter->escape);
}

static struct pm_emitter_level *innermost(struct pm_emitter *emitter)
{
    return emitter->depth > 0 ? &emitter->levels[emitter->depth - 1] : NULL;
}

/* A new line, indented by the number of open containers that break lines. */
static void break_line(struct pm_emitter *emitter)
{
    size_t indent = 0;

    for (unsigned i = 0; i < emitter->depth; i++)
        indent += emitter->levels[i].layout != PM_EMITTER_INLINE;
    put(emitter, '\n');
    emitter->line_start = emitter->used;
    while (indent-- > 0)
        put(emitter, ' ');
}

/* What stands between the previous item of the container and the next one. */
static void separate(struct pm_emitter *emitter)
{
    struct pm_emitter_level *level = innermost(emitter);

    if (level == NULL)
        return;
    if (level->has_items)
        put(emitter, ',');
    if (level->layout == PM_EMITTER_LINES
        || (level->layout == PM_EMITTER_WRAPPED
            && emitter->used - emitter->line_start > LONG_LINE))
        break_line(emitter);
    level->has_items = true;
}

/* What must stand before any value. */
static void begin_value(struct pm_emitter *emitter)
{
    struct pm_emitter_level *level = innermost(emitter);

    PM_ASSERT(level == NULL || level->is_dict == emitter->after_key);
    make_room(emitter);
    if (!emitter->after_key)
        separate(emitter);
    emitter->after_key = false;
}

static void begin(struct pm_emitter *emitter, bool is_dict, enum pm_emitter_layout layout)
{
    PM_ASSERT(emitter->depth < PM_EMITTER_MAX_DEPTH);
    begin_value(emitter);
    put(emitter, is_dict ? '{' : '[');
    emitter->levels[emitter->depth++] = (struct pm_emitter_level){
        .layout = layout,
        .is_dict = is_dict,
    };
}

static void end(struct pm_emitter *emitter, bool is_dict)
{
    struct pm_emitter_level *level = innermost(emitter);

    PM_ASSERT(level != NULL && level->is_dict == is_dict && !emitter->after_key);
    make_room(emitter);
    emitter->depth--;
    if (level->has_items && level->layout == PM_EMITTER_LINES)
        break_line(emitter);
    put(emitter, is_dict ? '}' : ']');
}

void pm_emitter_dict_begin(struct pm_emitter *emitter, enum pm_emitter_layout layout)
{
    begin(emitter, true, layout);
}

void pm_emitter_dict_end(struct pm_emitter *emitter)
{
    end(emitter, true);
}

void pm_emitter_list_begin(struct pm_emitter *emitter, enum pm_emitter_layout layout)
{
    begin(emitter, false, layout);
}

void pm_emitter_list_end(struct pm_emitter *emitter)
{
    end(emitter, false);
}

/* What stands for a character that a JSON string may not hold as it is: JSON's
   own escape, or text that looks like an escape for what readers refuse. */
static void put_escape(struct pm_emitter *emitter, u32 c, bool refused)
{
    struct pm_buffer *escape = &emitter->escape;

    pm_buffer_clear(escape);
    if (refused) {
        pm_buffer_add_char(escape, '\\');
        pm_utf8_add_escape(escape, c);
    } else if (c == '"' || c == '\\') {
        pm_buffer_add_char(escape, '\\');
        pm_buffer_add_char(escape, (char)c);
    } else if (c == '\n' || c == '\r' || c == '\t') {
        pm_utf8_add_escape(escape, c);
    } else {
        pm_buffer_add_text(escape, c < 0x10 ? "\\u000" : "\\u00");
        pm_buffer_add_hex(escape, c);
    }
    put_bytes(emitter, escape->bytes, escape->length);
}

/* Runs of bytes that stand for themselves are put at once. */
static void put_quoted(struct pm_emitter *emitter, const char *bytes, size_t length)
{
    size_t run = 0, at = 0;

    put(emitter, '"');
    while (at < length) {
        u32 c = (u8)bytes[at];
        unsigned size = c < 0x80 ? 1 : pm_utf8_decode(bytes + at, length - at, &c);
        bool refused = size == 0 || c == 0 || (c >= 0xd800 && c <= 0xdfff);
        size_t next = at + (size != 0 ? size : 1);
        if (refused || c < 0x20 || c == 0x7f || c == '"' || c == '\\') {
            put_bytes(emitter, bytes + run, at - run);
            put_escape(emitter, c, refused);
            run = next;
        }
        at = next;
    }
    put_bytes(emitter, bytes + run, at - run);
    put(emitter, '"');
}

void pm_emitter_key(struct pm_emitter *emitter, const char *key)
{
    struct pm_emitter_level *level = innermost(emitter);

    PM_ASSERT(level != NULL && level->is_dict && !emitter->after_key);
    make_room(emitter);
    separate(emitter);
    put_quoted(emitter, key, pm_length(key));
    put(emitter, ':');
    if (level->layout == PM_EMITTER_LINES)
        put(emitter, ' ');
    emitter->after_key = true;
}

void pm_emitter_bytes(struct pm_emitter *emitter, const char *bytes, size_t length)
{
    begin_value(emitter);
    put_quoted(emitter, bytes, length);
}

/* Puts a value that needs no quotes. */
static void put_word(struct pm_emitter *emitter, const char *word)
{
    begin_value(emitter);
    put_bytes(emitter, word, pm_length(word));
}

void pm_emitter_text(struct pm_emitter *emitter, const char *text)
{
    if (text == NULL)
        pm_emitter_null(emitter);
    else
        pm_emitter_bytes(emitter, text, pm_length(text));
}

void pm_emitter_hex(struct pm_emitter *emitter, const char *bytes, size_t length)
{
    static const char hex[] = "0123456789abcdef";

    begin_value(emitter);
    put(emitter, '"');
    for (size_t i = 0; i < length; i++) {
        make_room(emitter);
        put(emitter, hex[(u8)bytes[i] >> 4]);
        put(emitter, hex[(u8)bytes[i] & 15]);
    }
    put(emitter, '"');
}

void pm_emitter_u64(struct pm_emitter *emitter, u64 value)
{
    begin_value(emitter);
    put_u64(emitter, value);
}

void pm_emitter_i64(struct pm_emitter *emitter, i64 value)
{
    begin_value(emitter);
    if (value < 0)
        put(emitter, '-');
    put_u64(emitter, value < 0 ? 0 - (u64)value : (u64)value);
}

void pm_emitter_bool(struct pm_emitter *emitter, bool value)
{
    put_word(emitter, value ? "true" : "false");
}

void pm_emitter_null(struct pm_emitter *emitter)
{
    put_word(emitter, "null");
}

void pm_emitter_key_u64(struct pm_emitter *emitter, const char *key, u64 value)
{
    pm_emitter_key(emitter, key);
    pm_emitter_u64(emitter, value);
}

void pm_emitter_key_bool(struct pm_emitter *emitter, const char *key, bool value)
{
    pm_emitter_key(emitter, key);
    pm_emitter_bool(emitter, value);
}

void pm_emitter_key_text(struct pm_emitter *emitter, const char *key, const char *text)
{
    pm_emitter_key(emitter, key);
    pm_emitter_text(emitter, text);
}
