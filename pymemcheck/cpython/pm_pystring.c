/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpython/pm_pystring.h"

#include "base/pm_characters.h"
#include "base/pm_platform.h"

/* Where the characters are in client memory; each has width bytes: one, two or four. */
struct characters {
    u64 address;
    u64 count;
    u32 width;
};

static bool locate_bytes(const struct pm_layout *layout, struct pm_reader *reader, u64 address,
                         struct characters *characters)
{
    characters->address = address + (u64)layout->at.bytes_data;
    characters->width = 1;
    return pm_reader_read_u64(reader, address + (u64)layout->at.bytes_length,
                              &characters->count);
}

static bool locate_unicode(const struct pm_layout *layout, struct pm_reader *reader, u64 address,
                           struct characters *characters)
{
    const struct pm_layout_numbers *at = &layout->at;
    u32 state;

    if (!pm_reader_read_u64(reader, address + (u64)at->unicode_length, &characters->count)
            || !pm_reader_read_u32(reader, address + (u64)at->unicode_state, &state))
        return false;
    characters->width = (state >> at->unicode_kind_shift) & 7;
    if (characters->width != 1 && characters->width != 2 && characters->width != 4)
        return false;
    if (at->unicode_ready_shift != PM_LAYOUT_ABSENT
            && ((state >> at->unicode_ready_shift) & 1) == 0)
        return false;
    if (((state >> at->unicode_compact_shift) & 1) == 0)
        return pm_reader_read_u64(reader, address + (u64)at->unicode_legacy_data,
                                  &characters->address);
    if ((state >> at->unicode_ascii_shift) & 1)
        characters->address = address + (u64)at->unicode_ascii_data;
    else
        characters->address = address + (u64)at->unicode_compact_data;
    return true;
}

static u32 character_at(const u8 *bytes, const struct characters *characters)
{
    u16 two;
    u32 four;

    switch (characters->width) {
    case 1:
        return *bytes;
    case 2:
        pm_copy(&two, bytes, sizeof two);
        return two;
    default:
        pm_copy(&four, bytes, sizeof four);
        return four;
    }
}

/* False, with the buffer unchanged, if the text would become longer than limit. */
static bool append_below(struct pm_buffer *to, size_t limit, u32 code_point)
{
    size_t before = to->length;

    pm_buffer_add_utf8(to, code_point);
    if (to->length <= limit)
        return true;
    to->bytes[before] = '\0';
    to->length = before;
    return false;
}

/* A byte that is not UTF-8, which is rare, becomes the surrogate that Python 3 uses for it. */
static bool append_bytes(struct pm_reader *reader, const struct characters *characters,
                         struct pm_buffer *to)
{
    /* Three more: the rest of a character that begins before the limit. */
    char bytes[PM_PYSTRING_MAX_BYTES + 3];
    size_t count = characters->count < sizeof bytes ? (size_t)characters->count : sizeof bytes;
    size_t limit = to->length + PM_PYSTRING_MAX_BYTES;

    if (!pm_reader_read(reader, characters->address, bytes, count))
        return false;
    for (size_t i = 0; i < count;) {
        u32 code_point = 0;
        unsigned size = pm_utf8_decode(bytes + i, count - i, &code_point);

        if (size == 0 || (code_point >= 0xd800 && code_point <= 0xdfff)) {
            code_point = 0xdc00u + (u8)bytes[i];
            size = 1;
        }
        if (!append_below(to, limit, code_point))
            break;
        i += size;
    }
    return true;
}

/* Appends the characters that fit below limit. False if one of them is no character. */
static bool append_block(const u8 *block, size_t count, const struct characters *characters,
                         size_t limit, struct pm_buffer *to)
{
    for (size_t i = 0; i < count; i++) {
        u32 code_point = character_at(block + i * characters->width, characters);

        if (code_point > 0x10ffff)
            return false;
        if (!append_below(to, limit, code_point))
            return true;
    }
    return true;
}

static bool append_characters(struct pm_reader *reader, const struct characters *characters,
                              struct pm_buffer *to)
{
    u8 block[256];
    size_t limit = to->length + PM_PYSTRING_MAX_BYTES;
    /* A character takes at least one byte, so more than this would be cut. */
    u64 left = characters->count < PM_PYSTRING_MAX_BYTES ? characters->count
                                                         : PM_PYSTRING_MAX_BYTES;
    u64 address = characters->address;

    while (left > 0) {
        u64 count = sizeof block / characters->width;

        if (count > left)
            count = left;
        if (!pm_reader_read(reader, address, block, count * characters->width)
                || !append_block(block, count, characters, limit, to))
            return false;
        address += count * characters->width;
        left -= count;
    }
    return true;
}

bool pm_pystring_append(const struct pm_layout *layout, struct pm_reader *reader, u64 address,
                        struct pm_buffer *to)
{
    /* A string must fit in the lower half of the address space: a larger length is damage, and is
       refused rather than cut. */
    const u64 absurd = (u64)1 << 46;
    struct characters characters;
    const bool bytes = layout->strings == PM_STRING_BYTES;
    size_t before = to->length;

    if (!(bytes ? locate_bytes : locate_unicode)(layout, reader, address, &characters)
            || characters.count >= absurd)
        return false;
    if (!(bytes ? append_bytes : append_characters)(reader, &characters, to)) {
        to->length = before;
        to->bytes[before] = '\0';
        return false;
    }
    return true;
}
