/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/pm_pattern.h"

#include "base/pm_buffer.h"
#include "base/pm_platform.h"

/* Only the last * met need be tried again with more text: what an earlier one
   could take more of, the later one can leave out. */
bool pm_pattern_matches(const char *pattern, size_t pattern_length, const char *text,
                        size_t text_length)
{
    size_t p = 0, t = 0, after_star = 0, star_text = 0;
    bool star = false;

    while (t < text_length) {
        if (p < pattern_length && pattern[p] == '*') {
            star = true;
            after_star = ++p;
            star_text = t;
        } else if (p < pattern_length && (pattern[p] == '?' || pattern[p] == text[t])) {
            p++;
            t++;
        } else if (star) {
            p = after_star;
            t = ++star_text;
        } else {
            return false;
        }
    }
    while (p < pattern_length && pattern[p] == '*')
        p++;
    return p == pattern_length;
}

bool pm_pattern_matches_end(const char *pattern, size_t pattern_length, const char *text,
                            size_t text_length, char separator)
{
    if (pm_pattern_matches(pattern, pattern_length, text, text_length))
        return true;
    for (size_t i = 0; i < text_length; i++)
        if (text[i] == separator
                && pm_pattern_matches(pattern, pattern_length, text + i + 1, text_length - i - 1))
            return true;
    return false;
}

/* Where the tag of an extension module's name begins (PEP 3149, and .abi3), or
   length without one. end: where ".so" begins. */
static size_t tag_start(const char *path, size_t length, size_t *end)
{
    if (length < 3 || pm_compare(path + length - 3, ".so", 3) != 0)
        return length;
    *end = length - 3;
    size_t dot = *end;
    while (dot > 0 && path[dot - 1] != '.' && path[dot - 1] != '/')
        dot--;
    if (dot == 0 || path[dot - 1] != '.')
        return length;
    size_t tag_length = *end - dot;
    if ((tag_length == 4 && pm_compare(path + dot, "abi3", 4) == 0)
            || (tag_length > 8 && pm_compare(path + dot, "cpython-", 8) == 0))
        return dot - 1;
    return length;
}

bool pm_pattern_matches_object(const char *pattern, size_t pattern_length, const char *path,
                               size_t path_length)
{
    size_t end = 0, tag = tag_start(path, path_length, &end);
    struct pm_buffer plain;
    bool matches;

    if (pm_pattern_matches_end(pattern, pattern_length, path, path_length, '/'))
        return true;
    if (tag == path_length)
        return false;
    pm_buffer_init(&plain);
    pm_buffer_add_bytes(&plain, path, tag);
    pm_buffer_add_bytes(&plain, path + end, path_length - end);
    matches = pm_pattern_matches_end(pattern, pattern_length, plain.bytes, plain.length, '/');
    pm_buffer_release(&plain);
    return matches;
}
