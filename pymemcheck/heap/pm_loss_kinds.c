/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heap/pm_loss_kinds.h"

#include "base/pm_platform.h"

const char *pm_loss_kind_word(enum pm_loss_kind kind)
{
    static const char *const words[PM_LOSS_KINDS] = {
        [PM_LOSS_DEFINITE] = "definite",
        [PM_LOSS_CYCLE] = "cycle",
        [PM_LOSS_SURPLUS] = "surplus",
        [PM_LOSS_DEFICIT] = "deficit",
        [PM_LOSS_POSSIBLE] = "possible",
        [PM_LOSS_INDIRECT] = "indirect",
        [PM_LOSS_INTERPRETER] = "interpreter",
        [PM_LOSS_REACHABLE] = "reachable",
    };
    return words[kind];
}

static bool is_word(const char *text, size_t length, const char *word)
{
    return pm_length(word) == length && pm_compare(text, word, length) == 0;
}

static bool parse_word(const char *text, size_t length, u32 *kinds)
{
    if (is_word(text, length, "none"))
        return true;
    if (is_word(text, length, "all")) {
        *kinds |= PM_LOSS_KINDS_ALL;
        return true;
    }
    for (u32 kind = 0; kind < PM_LOSS_KINDS; kind++) {
        if (is_word(text, length, pm_loss_kind_word(kind))) {
            *kinds |= PM_LOSS_KIND(kind);
            return true;
        }
    }
    return false;
}

bool pm_loss_kinds_parse(const char *text, size_t length, u32 *kinds)
{
    u32 found = 0;

    for (size_t start = 0;;) {
        size_t end = start;
        while (end < length && text[end] != ',')
            end++;
        if (!parse_word(text + start, end - start, &found))
            return false;
        if (end == length)
            break;
        start = end + 1;
    }
    *kinds = found;
    return true;
}
