/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A wrong free, in Memcheck's words where it has some (memcheck/mc_errors.c,
   coregrind/m_addrinfo.c, 3.19). The core describes addresses outside all blocks. */
#include "heap/pm_wrong_free_sums.h"
#include "report/pm_text_parts.h"

static void add_hex(struct pm_text *text, u64 value)
{
    pm_text_add(text, "0x");
    pm_buffer_add_hex(&text->line, value);
}

void pm_text_add_wrong_free(struct pm_text *text, const struct pm_wrong_free *wrong)
{
    switch (wrong->kind) {
    case PM_FREE_INVALID:
        pm_text_add(text, wrong->place == PM_PLACE_FREED && wrong->address == wrong->block.address
                    ? "Invalid free() / delete / delete[] / realloc(): the block is free already"
                    : "Invalid free() / delete / delete[] / realloc()");
        break;
    case PM_FREE_MISMATCH:
        pm_text_add(text, "Mismatched free() / delete / delete []");
        break;
    default:
        pm_text_add(text, "Mismatched free(): ");
        pm_text_add(text, wrong->freed_by);
        pm_text_add(text, " of a block from ");
        pm_text_add(text, wrong->allocated_by);
        break;
    }
}

void pm_text_add_wrong_free_place(struct pm_text *text, const struct pm_wrong_free *wrong)
{
    u64 offset = wrong->address - wrong->block.address;

    pm_text_add(text, "Address ");
    add_hex(text, wrong->address);
    pm_text_add(text, " is ");
    pm_text_add_number(text, offset);
    pm_text_add(text, " bytes inside a block of size ");
    pm_text_add_number(text, wrong->block.bytes);
    pm_text_add(text, wrong->place == PM_PLACE_FREED ? " free'd" : " alloc'd");
}

/* One that is equal to one before: only what tells it from that, and an empty line. */
static void write_again(struct pm_text *text, const struct pm_wrong_free *wrong)
{
    pm_text_add(text, wrong->kind == PM_FREE_INVALID ? "Invalid free() again at " : "Mismatched free() again at ");
    pm_text_add_place(text, wrong->stack);
    pm_text_add(text, ", with the same stack as before, ");
    pm_text_add_counted(text, wrong->times, "time");
    pm_text_add(text, wrong->times < PM_WRONG_FREES_SHOWN ? " by now" : " by now; further ones are counted only");
    pm_text_end_line(text);
    if (wrong->place != PM_PLACE_ELSEWHERE) {
        pm_text_add(text, " ");
        pm_text_add_wrong_free_place(text, wrong);
        pm_text_add(text, wrong->place == PM_PLACE_FREED ? ", alloc'd at " : " at ");
        pm_text_add_place(text, wrong->block.allocated);
        pm_text_end_line(text);
    }
    pm_text_end_line(text);     /* as the core after each error */
}

void pm_text_write_wrong_free(struct pm_text *text, const struct pm_wrong_free *wrong)
{
    if (wrong->times > 0) {
        write_again(text, wrong);
        return;
    }
    pm_text_add_wrong_free(text, wrong);
    pm_text_end_line(text);
    pm_text_put_stack(text, wrong->stack, true);
    if (wrong->place == PM_PLACE_ELSEWHERE)
        return;
    pm_text_add(text, " ");
    pm_text_add_wrong_free_place(text, wrong);
    pm_text_end_line(text);
    if (wrong->place == PM_PLACE_FREED) {
        if (wrong->block.freed.v != 0)
            pm_text_put_stack(text, wrong->block.freed, true);
        else
            pm_text_put_line(text, " (" PM_TEXT_HOW_TO_KEEP_FREES ")");
        pm_text_put_line(text, " Block was alloc'd at");
    }
    pm_text_put_stack(text, wrong->block.allocated, true);
}
