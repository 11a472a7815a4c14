/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A large profile is a few million numbers, so little is done for each of them: its digits are
   written straight into the chunk that the sink will read.

   make_room hands the chunk over when it holds chunk_bytes or more. Behind these there are
   ITEM_ROOM spare bytes. So after make_room a whole number or bracket, with everything that
   separates it from the item before, is written without a check. Only strings can be longer:
   put_bytes makes room by itself, and leaves the spare bytes free. */
#include "report/pm_emitter.h"

#include "base/pm_platform.h"
#include "report/pm_utf8.h"

enum {
    DEFAULT_CHUNK_BYTES = 64 * 1024,
    LONG_LINE = 100,
    U64_DIGITS = 20,
    /* Comma, line break and indent; two quotes, colon and space; a sign and the digits; the
       NUL. */
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

/* How many decimal digits value has. */
static unsigned digits_of(u64 value)
{
    unsigned digits = 1;

    for (; value >= 10000; value /= 10000)
        digits += 4;
    return digits + (value >= 10) + (value >= 100) + (value >= 1000);
}

/* Writes value's digits, two at a time, and returns where they end. */
static char *write_digits(char *to, u64 value)
{
    static const char pairs[] =
        "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
        "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";
    char *end = to + digits_of(value), *at = end;

    for (; value >= 10; value /= 100) {
        const char *pair = &pairs[value % 100 * 2];
        *--at = pair[1];
        *--at = pair[0];
    }
    if (at != to)
        *to = (char)('0' + value);
    return end;
}

static void put_u64(struct pm_emitter *emitter, u64 value)
{
    emitter->used = (size_t)(write_digits(emitter->chunk + emitter->used, value) - emitter->chunk);
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

/* Writes what separates the previous item of the container from the next one. */
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

/* Writes what must come before any value. */
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

/* Writes a character that a JSON string cannot hold as it is: as JSON's own escape or, if
   readers refuse it, as text that looks like an escape. */
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

/* Runs of bytes that need no escape are written at once. */
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

/* Writes a value that needs no quotes. */
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

/* The same as pm_emitter_u64 for each value, but room and line length are checked once for the
   values up to the end of the line or of the chunk: only commas stand between these. */
void pm_emitter_u64_items(struct pm_emitter *emitter, const u64 *values, size_t count)
{
    const struct pm_emitter_level *level = innermost(emitter);
    size_t i = 0;

    PM_ASSERT(level != NULL && !level->is_dict);
    const size_t longest = level->layout == PM_EMITTER_WRAPPED ? LONG_LINE : (size_t)-1;
    while (i < count) {
        pm_emitter_u64(emitter, values[i++]);
        if (level->layout == PM_EMITTER_LINES)
            continue;
        char *at = emitter->chunk + emitter->used;
        const char *chunk_end = emitter->chunk + emitter->chunk_bytes;
        size_t column = emitter->used - emitter->line_start;
        while (i < count && at < chunk_end && column < longest) {
            char *item = at;
            *at++ = ',';
            at = write_digits(at, values[i++]);
            column += (size_t)(at - item);
        }
        emitter->used = (size_t)(at - emitter->chunk);
    }
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
