/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/pm_utf8.h"

static bool is_surrogate(u32 c)
{
    return c >= 0xd800 && c <= 0xdfff;
}

bool pm_utf8_is_exact(const char *bytes, size_t length)
{
    while (length > 0) {
        u32 c;
        unsigned size = pm_utf8_decode(bytes, length, &c);
        if (size == 0 || c == 0 || is_surrogate(c))
            return false;
        bytes += size;
        length -= size;
    }
    return true;
}

static void add_hex_digits(struct pm_buffer *out, u32 value, unsigned digits)
{
    while (digits-- > 0)
        pm_buffer_add_char(out, "0123456789abcdef"[value >> 4 * digits & 15]);
}

void pm_utf8_add_escape(struct pm_buffer *out, u32 c)
{
    if (c >= 0xdc80 && c <= 0xdcff)
        c &= 0xff;
    if (c == '\n' || c == '\r' || c == '\t') {
        pm_buffer_add_text(out, c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t");
    } else if (c <= 0xff) {
        pm_buffer_add_text(out, "\\x");
        add_hex_digits(out, c, 2);
    } else {
        pm_buffer_add_text(out, c <= 0xffff ? "\\u" : "\\U");
        add_hex_digits(out, c, c <= 0xffff ? 4 : 8);
    }
}

void pm_utf8_add_harmless(struct pm_buffer *out, const char *bytes, size_t length)
{
    while (length > 0) {
        u32 c = (u8)bytes[0];
        unsigned size = pm_utf8_decode(bytes, length, &c);
        if (size == 0 || pm_character_is_harmful(c))
            pm_utf8_add_escape(out, c);
        else
            pm_buffer_add_bytes(out, bytes, size);
        size += size == 0;
        bytes += size;
        length -= size;
    }
}
