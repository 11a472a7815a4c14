/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/pm_emitter.h"

#include "base/pm_platform.h"
#include "report/pm_utf8.h"

enum {
    DEFAULT_CHUNK_BYTES = 64 * 1024,
    LONG_LINE = 100,
};

void pm_emitter_init(struct pm_emitter *emitter, const struct pm_sink *sink, size_t chunk_bytes)
{
    *emitter = (struct pm_emitter){
        .sink = sink,
        .chunk_bytes = chunk_bytes != 0 ? chunk_bytes : DEFAULT_CHUNK_BYTES,
    };
    pm_buffer_init(&emitter->buffer);
}

static void flush(struct pm_emitter *emitter)
{
    pm_sink_write(emitter->sink, emitter->buffer.bytes, emitter->buffer.length);
    pm_buffer_clear(&emitter->buffer);
}

void pm_emitter_finish(struct pm_emitter *emitter)
{
    PM_ASSERT(emitter->depth == 0 && !emitter->after_key);
    pm_buffer_add_char(&emitter->buffer, '\n');
    flush(emitter);
    pm_buffer_release(&emitter->buffer);
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
    if (emitter->buffer.length >= emitter->chunk_bytes)
        flush(emitter);
    pm_buffer_add_char(&emitter->buffer, '\n');
    pm_buffer_add_repeated(&emitter->buffer, ' ', indent);
    emitter->column = indent;
}

/* What stands between the previous item of the container and the next one. */
static void separate(struct pm_emitter *emitter)
{
    struct pm_emitter_level *level = innermost(emitter);

    if (level == NULL)
        return;
    if (level->has_items) {
        pm_buffer_add_char(&emitter->buffer, ',');
        emitter->column++;
    }
    if (level->layout == PM_EMITTER_LINES
        || (level->layout == PM_EMITTER_WRAPPED && emitter->column > LONG_LINE))
        break_line(emitter);
    level->has_items = true;
}

/* What must stand before any value. */
static void begin_value(struct pm_emitter *emitter)
{
    struct pm_emitter_level *level = innermost(emitter);

    PM_ASSERT(level == NULL || level->is_dict == emitter->after_key);
    if (!emitter->after_key)
        separate(emitter);
    emitter->after_key = false;
}

static void begin(struct pm_emitter *emitter, bool is_dict, enum pm_emitter_layout layout)
{
    PM_ASSERT(emitter->depth < PM_EMITTER_MAX_DEPTH);
    begin_value(emitter);
    pm_buffer_add_char(&emitter->buffer, is_dict ? '{' : '[');
    emitter->column++;
    emitter->levels[emitter->depth++] = (struct pm_emitter_level){
        .layout = layout,
        .is_dict = is_dict,
    };
}

static void end(struct pm_emitter *emitter, bool is_dict)
{
    struct pm_emitter_level *level = innermost(emitter);

    PM_ASSERT(level != NULL && level->is_dict == is_dict && !emitter->after_key);
    emitter->depth--;
    if (level->has_items && level->layout == PM_EMITTER_LINES)
        break_line(emitter);
    pm_buffer_add_char(&emitter->buffer, is_dict ? '}' : ']');
    emitter->column++;
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

/* JSON's own escapes of characters that it does not allow as they are. */
static void add_control(struct pm_buffer *out, u32 c)
{
    static const char hex[] = "0123456789abcdef";

    if (c == '\n' || c == '\r' || c == '\t') {
        pm_utf8_add_escape(out, c);
    } else {
        pm_buffer_add_text(out, "\\u00");
        pm_buffer_add_char(out, hex[c >> 4]);
        pm_buffer_add_char(out, hex[c & 15]);
    }
}

static void add_quoted(struct pm_buffer *out, const char *bytes, size_t length)
{
    pm_buffer_add_char(out, '"');
    while (length > 0) {
        u32 c = (u8)bytes[0];
        unsigned size = pm_utf8_decode(bytes, length, &c);
        if (size == 0 || c == 0 || (c >= 0xd800 && c <= 0xdfff)) {
            pm_buffer_add_char(out, '\\');
            pm_utf8_add_escape(out, c);
        } else if (c < 0x20 || c == 0x7f) {
            add_control(out, c);
        } else {
            if (c == '"' || c == '\\')
                pm_buffer_add_char(out, '\\');
            pm_buffer_add_bytes(out, bytes, size);
        }
        size += size == 0;
        bytes += size;
        length -= size;
    }
    pm_buffer_add_char(out, '"');
}

void pm_emitter_key(struct pm_emitter *emitter, const char *key)
{
    struct pm_emitter_level *level = innermost(emitter);

    PM_ASSERT(level != NULL && level->is_dict && !emitter->after_key);
    separate(emitter);
    size_t before = emitter->buffer.length;
    add_quoted(&emitter->buffer, key, pm_length(key));
    pm_buffer_add_text(&emitter->buffer, level->layout == PM_EMITTER_LINES ? ": " : ":");
    emitter->column += emitter->buffer.length - before;
    emitter->after_key = true;
}

void pm_emitter_bytes(struct pm_emitter *emitter, const char *bytes, size_t length)
{
    begin_value(emitter);
    size_t before = emitter->buffer.length;
    add_quoted(&emitter->buffer, bytes, length);
    emitter->column += emitter->buffer.length - before;
}

/* Appends a value that needs no quotes or already has them. */
static void add_plain(struct pm_emitter *emitter, const char *text)
{
    begin_value(emitter);
    pm_buffer_add_text(&emitter->buffer, text);
    emitter->column += pm_length(text);
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

    add_plain(emitter, "\"");
    for (size_t i = 0; i < length; i++) {
        pm_buffer_add_char(&emitter->buffer, hex[(u8)bytes[i] >> 4]);
        pm_buffer_add_char(&emitter->buffer, hex[(u8)bytes[i] & 15]);
    }
    pm_buffer_add_char(&emitter->buffer, '"');
    emitter->column += 2 * length + 1;
}

void pm_emitter_u64(struct pm_emitter *emitter, u64 value)
{
    begin_value(emitter);
    size_t before = emitter->buffer.length;
    pm_buffer_add_u64(&emitter->buffer, value);
    emitter->column += emitter->buffer.length - before;
}

void pm_emitter_i64(struct pm_emitter *emitter, i64 value)
{
    begin_value(emitter);
    size_t before = emitter->buffer.length;
    pm_buffer_add_i64(&emitter->buffer, value);
    emitter->column += emitter->buffer.length - before;
}

void pm_emitter_bool(struct pm_emitter *emitter, bool value)
{
    add_plain(emitter, value ? "true" : "false");
}

void pm_emitter_null(struct pm_emitter *emitter)
{
    add_plain(emitter, "null");
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
