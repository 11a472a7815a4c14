/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/pm_buffer.h"

#include "base/pm_platform.h"

enum { INITIAL_CAPACITY = 64, U64_DIGITS = 20 };

void pm_buffer_init(struct pm_buffer *buffer)
{
    buffer->capacity = INITIAL_CAPACITY;
    buffer->bytes = pm_alloc("pm.buffer", buffer->capacity);
    pm_buffer_clear(buffer);
}

void pm_buffer_release(struct pm_buffer *buffer)
{
    pm_free(buffer->bytes);
    buffer->bytes = NULL;
    buffer->length = buffer->capacity = 0;
}

void pm_buffer_clear(struct pm_buffer *buffer)
{
    buffer->length = 0;
    buffer->bytes[0] = '\0';
}

char *pm_buffer_extend(struct pm_buffer *buffer, size_t length)
{
    size_t need = buffer->length + length + 1;

    if (need > buffer->capacity) {
        while (buffer->capacity < need)
            buffer->capacity *= 2;
        buffer->bytes = pm_realloc("pm.buffer", buffer->bytes, buffer->capacity);
    }
    char *at = buffer->bytes + buffer->length;
    buffer->length += length;
    buffer->bytes[buffer->length] = '\0';
    return at;
}

void pm_buffer_add_bytes(struct pm_buffer *buffer, const void *bytes, size_t length)
{
    if (length > 0)
        pm_copy(pm_buffer_extend(buffer, length), bytes, length);
}

void pm_buffer_add_text(struct pm_buffer *buffer, const char *text)
{
    pm_buffer_add_bytes(buffer, text, pm_length(text));
}

void pm_buffer_add_char(struct pm_buffer *buffer, char c)
{
    *pm_buffer_extend(buffer, 1) = c;
}

/* Writes value's digits in base 10 or 16 to the end of digits; returns the first. */
static const char *format(u64 value, unsigned base, char digits[U64_DIGITS + 1])
{
    char *p = digits + U64_DIGITS;

    *p = '\0';
    do {
        *--p = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    return p;
}

void pm_buffer_add_u64(struct pm_buffer *buffer, u64 value)
{
    char digits[U64_DIGITS + 1];
    pm_buffer_add_text(buffer, format(value, 10, digits));
}

void pm_buffer_add_i64(struct pm_buffer *buffer, i64 value)
{
    if (value < 0)
        pm_buffer_add_char(buffer, '-');
    pm_buffer_add_u64(buffer, value < 0 ? 0 - (u64)value : (u64)value);
}

void pm_buffer_add_u64_grouped(struct pm_buffer *buffer, u64 value)
{
    char digits[U64_DIGITS + 1];
    const char *p = format(value, 10, digits);
    size_t left = pm_length(p);

    for (; left > 0; left--) {
        pm_buffer_add_char(buffer, *p++);
        if (left > 1 && left % 3 == 1)
            pm_buffer_add_char(buffer, ',');
    }
}

void pm_buffer_add_hex(struct pm_buffer *buffer, u64 value)
{
    char digits[U64_DIGITS + 1];
    pm_buffer_add_text(buffer, format(value, 16, digits));
}

void pm_buffer_add_hex16(struct pm_buffer *buffer, u64 value)
{
    for (int shift = 60; shift >= 0; shift -= 4)
        pm_buffer_add_char(buffer, "0123456789abcdef"[value >> shift & 15]);
}

void pm_buffer_add_repeated(struct pm_buffer *buffer, char c, size_t count)
{
    if (count > 0)
        __builtin_memset(pm_buffer_extend(buffer, count), c, count);
}

/* Characters in UTF-8 text: all bytes but continuation bytes. */
static size_t columns(const char *text)
{
    size_t n = 0;
    for (; *text != '\0'; text++)
        n += ((u8)*text & 0xc0) != 0x80;
    return n;
}

void pm_buffer_add_left(struct pm_buffer *buffer, const char *text, size_t width)
{
    size_t used = columns(text);

    pm_buffer_add_text(buffer, text);
    pm_buffer_add_repeated(buffer, ' ', used < width ? width - used : 0);
}

void pm_buffer_add_u64_right(struct pm_buffer *buffer, u64 value, size_t width)
{
    char digits[U64_DIGITS + 1];
    const char *text = format(value, 10, digits);
    size_t used = pm_length(text);

    pm_buffer_add_repeated(buffer, ' ', used < width ? width - used : 0);
    pm_buffer_add_text(buffer, text);
}

void pm_buffer_add_utf8(struct pm_buffer *buffer, u32 c)
{
    if (c < 0x80) {
        pm_buffer_add_char(buffer, (char)c);
    } else if (c < 0x800) {
        pm_buffer_add_char(buffer, (char)(0xc0 | c >> 6));
        pm_buffer_add_char(buffer, (char)(0x80 | (c & 0x3f)));
    } else if (c < 0x10000) {
        pm_buffer_add_char(buffer, (char)(0xe0 | c >> 12));
        pm_buffer_add_char(buffer, (char)(0x80 | (c >> 6 & 0x3f)));
        pm_buffer_add_char(buffer, (char)(0x80 | (c & 0x3f)));
    } else {
        pm_buffer_add_char(buffer, (char)(0xf0 | (c >> 18 & 7)));
        pm_buffer_add_char(buffer, (char)(0x80 | (c >> 12 & 0x3f)));
        pm_buffer_add_char(buffer, (char)(0x80 | (c >> 6 & 0x3f)));
        pm_buffer_add_char(buffer, (char)(0x80 | (c & 0x3f)));
    }
}
