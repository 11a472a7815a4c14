/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tool/pm_option_names.h"

#include "base/pm_platform.h"

enum { MAX_NAME = 48, INDENT = 4 };

static u32 least(u32 a, u32 b)
{
    return a < b ? a : b;
}

/* The distance of Damerau and Levenshtein, where a pair of swapped characters is not changed further. Both
   names have at most MAX_NAME characters. */
static u32 distance_of(const char *one, size_t one_length, const char *other, size_t other_length)
{
    u32 rows[3][MAX_NAME + 1];

    for (u32 k = 0; k <= other_length; k++)
        rows[0][k] = k;
    for (u32 i = 1; i <= one_length; i++) {
        u32 *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (u32 k = 1; k <= other_length; k++) {
            const bool same = one[i - 1] == other[k - 1];
            row[k] = least(least(above[k], row[k - 1]) + 1, above[k - 1] + !same);
            if (i > 1 && k > 1 && one[i - 1] == other[k - 2] && one[i - 2] == other[k - 1])
                row[k] = least(row[k], two_above[k - 2] + 1);
        }
    }
    return rows[one_length % 3][other_length];
}

static size_t length_up_to(const char *text, char end)
{
    size_t length = 0;

    while (text[length] != '\0' && text[length] != '\n' && text[length] != end)
        length++;
    return length;
}

/* What is at the beginning of a line of the usage text, or NULL if no option is. */
static const char *option_in(const char *line)
{
    for (int i = 0; i < INDENT; i++)
        if (line[i] != ' ')
            return NULL;
    return line[INDENT] == '-' && line[INDENT + 1] == '-' ? line + INDENT : NULL;
}

bool pm_option_names_find(const char *usage, const char *arg, struct pm_option_name *found)
{
    const size_t length = length_up_to(arg, '=');
    /* One mistake in four characters, the dashes aside. */
    u32 limit = length < 2 ? 0 : (u32)(length - 2) / 4 + 1;
    bool any = false;

    if (length > MAX_NAME)
        return false;
    for (const char *line = usage; *line != '\0'; line += length_up_to(line, '\n') + 1) {
        const char *option = option_in(line);
        const size_t name_length = option == NULL ? 0 : length_up_to(option, '=');
        if (option == NULL || name_length > MAX_NAME)
            continue;
        const u32 distance = distance_of(arg, length, option, name_length);
        if (distance < limit) {
            limit = distance;
            *found = (struct pm_option_name){ option, length_up_to(option, ' '), distance };
            any = true;
        }
    }
    return any;
}
