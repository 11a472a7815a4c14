/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/pm_characters.h"

unsigned pm_utf8_decode(const char *bytes, size_t length, u32 *code_point)
{
    static const u32 least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    u8 first = (u8)bytes[0];
    unsigned size = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3
                  : first < 0xf8 ? 4 : 0;
    u32 value = size == 1 ? first : size == 0 ? 0 : first & (0x7fu >> size);

    if (size == 0 || size > length)
        return 0;
    for (unsigned i = 1; i < size; i++) {
        if (((u8)bytes[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | ((u8)bytes[i] & 0x3f);
    }
    if (value < least[size] || value > 0x10ffff)
        return 0;
    *code_point = value;
    return size;
}

bool pm_character_is_harmful(u32 c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || (c >= 0xd800 && c <= 0xdfff) || c == 0x61c
        || (c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e)
        || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff || (c >= 0xe0000 && c <= 0xe007f);
}
