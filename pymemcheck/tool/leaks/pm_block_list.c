/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tool/leaks/pm_block_list.h"

#include "report/pm_text_parts.h"
#include "report/pm_utf8.h"
#include "tool/pm_run.h"

struct listing {
    struct pm_run *run;
    struct pm_text *text;
    const struct pm_losses *losses;
    u64 left;                       /* so many blocks may still be written */
    u64 left_out;
};

static bool was_freed(const struct pm_run *run, const struct pm_loss_block *block)
{
    const struct pm_block *now = pm_blocks_find(&run->blocks, block->address);
    return now == NULL || now->serial != block->serial;
}

/* indirect: it is listed below the lost block that leads to it. */
static void write_block(struct listing *listing, const struct pm_loss_block *block, bool indirect)
{
    struct pm_text *text = listing->text;
    struct pm_buffer line;

    if (listing->left == 0) {
        listing->left_out++;
        return;
    }
    listing->left--;
    pm_buffer_init(&line);
    pm_loss_block_add(&line, listing->losses->strings, block);
    pm_text_add(text, indirect ? "  " : "");
    pm_utf8_add_harmless(&text->line, line.bytes, line.length);
    pm_buffer_release(&line);
    if (indirect) {
        pm_text_add(text, ", loss record ");
        pm_text_add_number(text, block->record + 1);
    }
    if (was_freed(listing->run, block))
        pm_text_add(text, " (freed since)");
    pm_text_end_line(text);
}

static void write_record(struct listing *listing, u32 record)
{
    const struct pm_losses *losses = listing->losses;
    const struct pm_loss *loss = &losses->records[record];
    u32 count, members;
    const struct pm_loss_block *blocks = pm_loss_blocks_of(&losses->blocks, record, &count);

    pm_text_put_loss_headline(listing->text, loss, record + 1, losses->count);
    pm_text_put_loss_types(listing->text, loss);
    pm_text_put_stack(listing->text, loss->stack, false);
    for (u32 i = 0; i < count; i++) {
        write_block(listing, &blocks[i], false);
        const u32 *member = pm_loss_blocks_led_by(&losses->blocks, blocks[i].address, &members);
        for (u32 k = 0; k < members; k++)
            write_block(listing, &losses->blocks.entries[member[k]], true);
    }
}

void pm_block_list_write(struct pm_run *run, struct pm_text *text, u64 from, u64 to, u64 most)
{
    struct listing listing = {
        .run = run,
        .text = text,
        .losses = &run->last_losses,
        .left = most > 0 ? most : ~(u64)0,
    };
    u32 count = listing.losses->count;

    if (from == 0 || from > to || to > count) {
        pm_text_add(text, "block_list: expected loss record numbers from 1 to ");
        pm_text_add_number(text, count);
        pm_text_put_line(text, count == 0 ? ": the last leak_check made none" : "");
        return;
    }
    for (u64 record = from; record <= to; record++)
        write_record(&listing, (u32)record - 1);
    if (listing.left_out > 0) {
        pm_text_add(text, "and ");
        pm_text_add_counted(text, listing.left_out, "block");
        pm_text_put_line(text, " more (limited)");
    }
}
