/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads numbers and strings from bytes that may be damaged. A read past the end gives zero or the empty
   string and sets failed, which stays set. Callers check it once after several reads, and in each
   loop. Numbers are little-endian. */
#ifndef PM_CURSOR_H
#define PM_CURSOR_H

#include "base/pm_types.h"

/* Borrowed. */
struct pm_bytes {
    const u8 *bytes;
    u64 length;
};

struct pm_cursor {
    const u8 *at, *end;
    bool failed;
};

/* A cursor from offset to the end of bytes; failed if offset is behind the end. */
static inline struct pm_cursor pm_cursor_at(struct pm_bytes bytes, u64 offset)
{
    if (offset > bytes.length || bytes.length == 0)     /* empty bytes have no address */
        return (struct pm_cursor){ .failed = offset > bytes.length };
    return (struct pm_cursor){ .at = bytes.bytes + offset, .end = bytes.bytes + bytes.length };
}

static inline u64 pm_cursor_left(const struct pm_cursor *cursor)
{
    return (u64)(cursor->end - cursor->at);
}

static inline void pm_cursor_fail(struct pm_cursor *cursor)
{
    cursor->at = cursor->end;
    cursor->failed = true;
}

static inline void pm_cursor_skip(struct pm_cursor *cursor, u64 bytes)
{
    if (bytes > pm_cursor_left(cursor))
        pm_cursor_fail(cursor);
    else
        cursor->at += bytes;
}

/* A number of 1 to 8 bytes. */
static inline u64 pm_cursor_uint(struct pm_cursor *cursor, unsigned bytes)
{
    u64 value = 0;

    if (bytes > pm_cursor_left(cursor)) {
        pm_cursor_fail(cursor);
        return 0;
    }
    for (unsigned i = 0; i < bytes; i++)
        value |= (u64)cursor->at[i] << (8 * i);
    cursor->at += bytes;
    return value;
}

static inline u8 pm_cursor_u8(struct pm_cursor *cursor)
{
    if (cursor->at == cursor->end) {
        pm_cursor_fail(cursor);
        return 0;
    }
    return *cursor->at++;
}

/* LEB128: seven bits a byte, lowest first, with the top bit set in all bytes but the last. Bits that do not
   fit into 64 are dropped. */
static inline u64 pm_cursor_leb(struct pm_cursor *cursor, bool is_signed)
{
    u64 value = 0;
    unsigned shift = 0;
    u8 byte;

    do {
        byte = pm_cursor_u8(cursor);
        if (shift < 64)
            value |= (u64)(byte & 0x7f) << shift;
        shift += shift < 64 ? 7 : 0;
    } while (byte & 0x80);
    if (is_signed && (byte & 0x40) && shift < 64)
        value |= ~(u64)0 << shift;
    return value;
}

static inline u64 pm_cursor_uleb(struct pm_cursor *cursor)
{
    return pm_cursor_leb(cursor, false);
}

static inline i64 pm_cursor_sleb(struct pm_cursor *cursor)
{
    return (i64)pm_cursor_leb(cursor, true);
}

/* A string that ends with NUL, inside the bytes; never NULL. */
static inline const char *pm_cursor_text(struct pm_cursor *cursor)
{
    const u8 *start = cursor->at;

    while (cursor->at < cursor->end && *cursor->at != 0)
        cursor->at++;
    if (cursor->at == cursor->end) {
        pm_cursor_fail(cursor);
        return "";
    }
    cursor->at++;
    return (const char *)start;
}

/* The initial length of a unit (DWARF 5, 7.4): 4 bytes, or 12 of which the first four are ones. */
static inline u64 pm_cursor_unit_length(struct pm_cursor *cursor, bool *is64)
{
    u64 length = pm_cursor_uint(cursor, 4);

    *is64 = length == 0xffffffff;
    return *is64 ? pm_cursor_uint(cursor, 8) : length;
}

/* A cursor for the next bytes only; failed if there are not so many. */
static inline struct pm_cursor pm_cursor_part(const struct pm_cursor *cursor, u64 bytes)
{
    struct pm_cursor part = *cursor;

    if (bytes > pm_cursor_left(cursor))
        pm_cursor_fail(&part);
    else
        part.end = part.at + bytes;
    return part;
}

#endif
