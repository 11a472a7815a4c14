/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpython/pm_version.h"

#include "base/pm_platform.h"

/* Release levels, as in PY_VERSION_HEX. */
enum { LEVEL_ALPHA = 0xa, LEVEL_BETA = 0xb, LEVEL_CANDIDATE = 0xc, LEVEL_FINAL = 0xf };

/* Reads a number of at most 255 at *cursor. */
static bool read_number(const char **cursor, u32 *number)
{
    const char *start = *cursor;

    *number = 0;
    while (**cursor >= '0' && **cursor <= '9') {
        *number = *number * 10 + (u32)(*(*cursor)++ - '0');
        if (*number > 255)
            return false;
    }
    return *cursor != start;
}

static bool skip(const char **cursor, char c)
{
    if (**cursor != c)
        return false;
    (*cursor)++;
    return true;
}

/* "a3", "b1", "rc2", or nothing for a final release: the lowest byte of PY_VERSION_HEX. */
static u32 read_level(const char **cursor)
{
    u32 level = LEVEL_FINAL, serial = 0;

    if (skip(cursor, 'a'))
        level = LEVEL_ALPHA;
    else if (skip(cursor, 'b'))
        level = LEVEL_BETA;
    else if (skip(cursor, 'r') && skip(cursor, 'c'))
        level = LEVEL_CANDIDATE;
    if (level != LEVEL_FINAL && !read_number(cursor, &serial))
        serial = 0;
    return level << 4 | (serial & 0xf);
}

static bool contains(const char *text, const char *part)
{
    size_t length = pm_length(part);

    for (size_t left = pm_length(text); left >= length; left--, text++)
        if (pm_compare(text, part, length) == 0)
            return true;
    return false;
}

bool pm_version_parse(const char *text, struct pm_version *version)
{
    const char *cursor = text;
    u32 major, minor, micro;
    size_t length = 0;

    if (!read_number(&cursor, &major) || !skip(&cursor, '.') || !read_number(&cursor, &minor)
            || !skip(&cursor, '.') || !read_number(&cursor, &micro))
        return false;
    version->hex = major << 24 | minor << 16 | micro << 8 | read_level(&cursor);
    while (text[length] != '\0' && text[length] != ' ')
        length++;
    if (length >= sizeof version->text)
        return false;
    pm_zero(version->text, sizeof version->text);
    pm_copy(version->text, text, length);
    version->free_threaded = contains(text, "free-threading");
    return true;
}
