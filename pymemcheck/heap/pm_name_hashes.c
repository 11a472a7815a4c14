/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heap/pm_name_hashes.h"

#include "base/pm_map.h"
#include "base/pm_platform.h"

/* Where a path's last part starts. */
static size_t base_of(const char *path, size_t length)
{
    while (length > 0 && path[length - 1] != '/')
        length--;
    return length;
}

u64 pm_name_hash_file(const struct pm_strings *strings, struct pm_string_id path)
{
    const char *text = pm_strings_text(strings, path);
    size_t length = pm_strings_length(strings, path), from = base_of(text, length);

    return pm_hash_bytes(text + from, length - from);
}

/* An extension is _x.cpython-311-x86_64-linux-gnu.so, _x.cpython-311d-x86_64-linux-gnu.so, _x.abi3.so, or in 2.7 _x.so,
   _x_d.so, and in Debian's _x.x86_64-linux-gnu_d.so. */
u64 pm_name_hash_object(const struct pm_strings *strings, struct pm_string_id path)
{
    const char *text = pm_strings_text(strings, path);
    size_t length = pm_strings_length(strings, path), from = base_of(text, length), end = from;

    while (end < length && text[end] != '.')
        end++;
    if (end - from > 2 && text[end - 2] == '_' && text[end - 1] == 'd')
        end -= 2;
    return pm_hash_bytes(text + from, end - from);
}

u64 pm_name_hash_function(const struct pm_strings *strings, struct pm_string_id name)
{
    const char *text = pm_strings_text(strings, name);
    size_t length = pm_strings_length(strings, name), from = length;

    while (from > 0 && text[from - 1] != '.')
        from--;
    return pm_hash_bytes(text + from, length - from);
}

/* .lto_priv.0, .constprop.0, .part.0, .cold, .isra.0; " [clone .part.0]" behind the arguments of C++. A name in C has
   no dot. */
u64 pm_name_hash_symbol(const struct pm_strings *strings, struct pm_string_id name)
{
    const char *text = pm_strings_text(strings, name);
    size_t length = pm_strings_length(strings, name), end = 0;
    bool arguments = false;

    for (; end < length; end++) {
        arguments |= text[end] == '(' || text[end] == '<';
        if (end > 0 && (arguments ? pm_text_starts(text + end, " [clone ") : text[end] == '.'))
            break;
    }
    return pm_hash_bytes(text, end);
}
