/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the text report share. Used by report/pm_text*.c, and by who
   writes single loss records (pm_text_init, pm_text_write_loss ..., pm_text_release). */
#ifndef PM_TEXT_PARTS_H
#define PM_TEXT_PARTS_H

#include "heap/pm_freed.h"
#include "report/pm_labels.h"
#include "report/pm_text.h"

struct pm_text {
    const struct pm_profile *profile;
    const struct pm_text_options *options;
    const struct pm_sink *sink;
    struct pm_labels labels;
    struct pm_buffer line;      /* the line being made */
};

/* profile, options and sink must outlive text. */
void pm_text_init(struct pm_text *text, const struct pm_profile *profile,
                  const struct pm_text_options *options, const struct pm_sink *sink);
void pm_text_release(struct pm_text *text);

/* Hands over the line made so far and begins an empty one. */
void pm_text_end_line(struct pm_text *text);
/* A whole line. */
void pm_text_put_line(struct pm_text *text, const char *line);

void pm_text_add(struct pm_text *text, const char *words);
/* value with commas. */
void pm_text_add_number(struct pm_text *text, u64 value);
/* value with commas, right-aligned to width columns. */
void pm_text_add_number_right(struct pm_text *text, u64 value, size_t width);
/* value with commas, a space and noun, with an s unless value is 1. */
void pm_text_add_counted(struct pm_text *text, u64 value, const char *noun);
/* "1,234 bytes in 5 blocks", Memcheck's words whatever the numbers. */
void pm_text_add_bytes_in_blocks(struct pm_text *text, u64 bytes, u64 blocks);

/* The text of a line of Python source behind indent spaces, if it can be had. */
void pm_text_put_source(struct pm_text *text, struct pm_string_id file, u32 line, size_t indent);

/* A stack as errors and loss records show it, a line for each frame that says something to a person.
   innermost: and the innermost one, whatever it is. */
void pm_text_put_stack(struct pm_text *text, struct pm_stack_id stack, bool innermost);

/* One loss record, without an empty line behind it; it is number (from 1) of count. */
void pm_text_write_loss(struct pm_text *text, const struct pm_loss *loss, u32 number, u32 count);
/* Its parts but for the stack: the first line; the types; why it is alive, and when it was made. */
void pm_text_put_loss_headline(struct pm_text *text, const struct pm_loss *loss, u32 number,
                               u32 count);
void pm_text_put_loss_types(struct pm_text *text, const struct pm_loss *loss);
void pm_text_put_loss_story(struct pm_text *text, const struct pm_loss *loss);
/* The sums of a search, by kind. */
void pm_text_write_leak_summary(struct pm_text *text, const struct pm_losses *losses);

/* A wrong free: what it is, both stacks, and what the address is in unless it is in no block that
   is known; then the last is left to the caller. */
void pm_text_write_wrong_free(struct pm_text *text, const struct pm_wrong_free *wrong);
#define PM_TEXT_HOW_TO_KEEP_FREES "--keep-stacktraces=alloc-and-free shows where it was freed first"
/* Its first line, and the line on the address, both without the end of the line. */
void pm_text_add_wrong_free(struct pm_text *text, const struct pm_wrong_free *wrong);
void pm_text_add_wrong_free_place(struct pm_text *text, const struct pm_wrong_free *wrong);

/* The parts, in the order in which they are written. */
void pm_text_write_summary(struct pm_text *text);
void pm_text_write_histograms(struct pm_text *text, const struct pm_frame_sums *sums);
void pm_text_write_live(struct pm_text *text, const struct pm_frame_sums *sums);

#endif
