/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every table is a list of entries. Each covers some bytes of code and changes the line; the
   answer is the line of the entry that covers the offset. The kinds differ in how an entry
   is encoded, and in whether it changes the line before or after the bytes that it covers:

   - lnotab (both kinds): pairs of bytes. The first byte is the count of code bytes, which
     comes first; then the line changes by the second byte. Code behind the last pair has the last line.
   - ranges: pairs of bytes. The line changes by the second byte (-128: these bytes have no
     line, and the line stays); then come as many code bytes as the first byte says.
   - locations: a head byte with its top bit set (four bits of form, three bits of length in code
     units less one), then bytes without that bit. The line changes by a delta that the form
     locates; then come the code units.

   Tables may be damaged. Sums have 64 bits, which deltas of one byte cannot overflow; each
   wide delta of locations is checked. */
#include "cpython/pm_linetable.h"

/* The line as callers get it. CPython's lines are C ints from 0 on. */
static i32 checked_line(i64 line)
{
    return line < 0 || line > INT32_MAX ? PM_LINE_BROKEN : (i32)line;
}

/* The byte as two's complement; plain char may be signed or unsigned. */
static i64 signed_byte(u8 byte)
{
    return byte < 0x80 ? (i64)byte : (i64)byte - 0x100;
}

static i32 lnotab_line(const u8 *table, size_t length, i64 offset, bool is_signed,
                       struct pm_linetable_cursor *cursor)
{
    struct pm_linetable_cursor at = *cursor;

    for (; at.at + 1 < length; at.at += 2) {
        i64 covered = at.covered + table[at.at];
        if (covered > offset)
            break;
        at.covered = covered;
        at.line += is_signed ? signed_byte(table[at.at + 1]) : (i64)table[at.at + 1];
    }
    *cursor = at;
    return checked_line(at.line);
}

static i32 ranges_line(const u8 *table, size_t length, i64 offset,
                       struct pm_linetable_cursor *cursor)
{
    struct pm_linetable_cursor at = *cursor;

    while (at.at + 1 < length) {
        const struct pm_linetable_cursor step = at;
        i64 delta = signed_byte(table[at.at + 1]);

        at.covered += table[at.at];
        at.at += 2;
        if (delta != -128)
            at.line += delta;
        if (at.covered > offset) {
            *cursor = step;
            return delta == -128 ? PM_LINE_NONE : checked_line(at.line);
        }
    }
    return PM_LINE_BROKEN;
}

enum { LOCATION_HEAD = 0x80, VARINT_MORE = 0x40, VARINT_BITS = 6 };

/* Forms of a location, from Objects/locations.md of CPython 3.11. */
enum {
    FORM_ONE_LINE_0 = 10,       /* forms 10 to 12: the line changes by 0 to 2 */
    FORM_ONE_LINE_2 = 12,
    FORM_NO_COLUMNS = 13,
    FORM_LONG = 14,
    FORM_NONE = 15,
};

/* Reads the signed number at *cursor, before end: six bits a byte, lowest first, VARINT_MORE on all
   bytes but the last, the sign in the lowest bit. */
static bool read_signed_varint(const u8 **cursor, const u8 *end, i64 *value)
{
    u64 bits = 0;
    unsigned shift = 0;
    u8 byte;

    do {
        /* Six bytes hold more than the 32 bits of a C int. */
        if (*cursor == end || (**cursor & LOCATION_HEAD) || shift >= 6 * VARINT_BITS)
            return false;
        byte = *(*cursor)++;
        bits |= (u64)(byte & (VARINT_MORE - 1)) << shift;
        shift += VARINT_BITS;
    } while (byte & VARINT_MORE);
    *value = bits & 1 ? -(i64)(bits >> 1) : (i64)(bits >> 1);
    return true;
}

static i32 locations_line(const u8 *table, size_t length, i64 wanted,
                          struct pm_linetable_cursor *cursor)
{
    const u8 *at = table + cursor->at, *end = table + length;
    i64 covered = cursor->covered, line = cursor->line;

    while (at < end) {
        const struct pm_linetable_cursor step = { (size_t)(at - table), covered, line };
        u8 head = *at++;
        unsigned form = (head >> 3) & 15;
        i64 delta = 0;

        if (!(head & LOCATION_HEAD))
            return PM_LINE_BROKEN;
        if (form == FORM_NO_COLUMNS || form == FORM_LONG) {
            if (!read_signed_varint(&at, end, &delta))
                return PM_LINE_BROKEN;
        } else if (form >= FORM_ONE_LINE_0 && form <= FORM_ONE_LINE_2) {
            delta = form - FORM_ONE_LINE_0;
        }
        line += delta;
        if (line < INT32_MIN || line > INT32_MAX)
            return PM_LINE_BROKEN;
        covered += ((head & 7) + 1) * 2;
        if (covered > wanted) {
            *cursor = step;
            return form == FORM_NONE ? PM_LINE_NONE : checked_line(line);
        }
        while (at < end && !(*at & LOCATION_HEAD))
            at++;
    }
    return PM_LINE_BROKEN;
}

i32 pm_linetable_seek(enum pm_linetable_kind kind, const u8 *table, size_t length, i32 first_line,
                      i64 offset, struct pm_linetable_cursor *cursor)
{
    if (offset < 0)
        return checked_line(first_line);
    if (offset < cursor->covered)
        *cursor = (struct pm_linetable_cursor){ .line = first_line };
    switch (kind) {
    case PM_LINETABLE_UNSIGNED:
        return lnotab_line(table, length, offset, false, cursor);
    case PM_LINETABLE_SIGNED:
        return lnotab_line(table, length, offset, true, cursor);
    case PM_LINETABLE_RANGES:
        return ranges_line(table, length, offset, cursor);
    case PM_LINETABLE_LOCATIONS:
        return locations_line(table, length, offset, cursor);
    }
    return PM_LINE_BROKEN;
}

i32 pm_linetable_line(enum pm_linetable_kind kind, const u8 *table, size_t length, i32 first_line,
                      i64 offset)
{
    struct pm_linetable_cursor cursor = { .line = first_line };
    return pm_linetable_seek(kind, table, length, first_line, offset, &cursor);
}
