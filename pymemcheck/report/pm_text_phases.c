/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The phases that the program named, in the order in which they were begun. */
#include "base/pm_platform.h"
#include "report/pm_text_parts.h"
#include "report/pm_utf8.h"

enum { ALLOCS_WIDTH = 12, BYTES_WIDTH = 16 };

static void add_live(struct pm_text *text, const struct pm_phase *phase)
{
    if (phase->live_known)
        pm_text_add_number_right(text, phase->live_bytes, BYTES_WIDTH);
    else
        pm_buffer_add_left(&text->line, "       not known", BYTES_WIDTH);
}

static void put_phase(struct pm_text *text, const struct pm_phase *phase)
{
    const struct pm_strings *strings = text->profile->strings;

    pm_text_add_number_right(text, phase->allocs, ALLOCS_WIDTH);
    pm_text_add_number_right(text, phase->bytes, BYTES_WIDTH);
    add_live(text, phase);
    pm_text_add(text, "  ");
    pm_utf8_add_harmless(&text->line, pm_strings_text(strings, phase->name), pm_strings_length(strings, phase->name));
    if (phase->times > 1) {
        pm_text_add(text, ", ");
        pm_text_add_number(text, phase->times);
        pm_text_add(text, " times");
    }
    pm_text_add(text, phase->open > 0 ? ", still open" : "");
    pm_text_end_line(text);
}

void pm_text_write_phases(struct pm_text *text)
{
    const struct pm_phases *phases = text->profile->phases;

    if (phases == NULL || phases->count == 0)
        return;
    pm_text_put_line(text, "Phases that the program named (all threads; in use: allocated in the phase and not freed yet):");
    pm_text_put_line(text, "      allocs           bytes    bytes in use  phase");
    for (u32 i = 0; i < phases->count; i++)
        put_phase(text, &phases->entries[i]);
    pm_text_end_line(text);
}
