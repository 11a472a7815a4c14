/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the text report share. Used by report/pm_text*.c, and by the XML writer
   for its sentences. */
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

/* Gives the finished line to the sink and begins an empty one. */
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

/* A line of Python source after indent spaces, if it can be read. */
void pm_text_put_source(struct pm_text *text, struct pm_string_id file, u32 line, size_t indent);

/* The name of a row by line, "job.py:12 (load)", and of one by caller, "libc.so.6`strdup". */
void pm_text_add_line_label(struct pm_text *text, const struct pm_row *row);
void pm_text_add_caller_label(struct pm_text *text, const struct pm_row *row);
/* The innermost Python line of a stack, "job.py:12 (load)", or the C function in a stack without a Python frame. */
void pm_text_add_place(struct pm_text *text, struct pm_stack_id stack);

/* What of a stack is left out, from the innermost frame on. --num-callers= limits native frames in a
   row, without the interpreter's and the allocator's; --python-frames= limits all Python frames. */
struct pm_text_left_out {
    u32 interpreter;            /* the evaluation function's ELF object; 0 if the stack has none */
    unsigned natives, pythons;  /* frames that count so far: natives since the last Python frame */
    unsigned hidden_natives, hidden_pythons;    /* left out since the last call of pm_text_put_hidden */
};

struct pm_text_left_out pm_text_left_out_begin(const struct pm_text *text, struct pm_stack_id stack);
/* Counts the next frame. False if it is left out. */
bool pm_text_counts(const struct pm_text *text, struct pm_text_left_out *left_out,
                    const struct pm_frame *frame);
/* After indent spaces, the line that says how many frames were left out here, if some were. */
void pm_text_put_hidden(struct pm_text *text, struct pm_text_left_out *left_out, size_t indent);

/* A stack as errors and loss records show it: a line for each frame that helps a reader.
   innermost: the innermost frame is shown too, whatever it is. */
void pm_text_put_stack(struct pm_text *text, struct pm_stack_id stack, bool innermost);

/* One loss record, without an empty line after it; it is number (from 1) of count. */
void pm_text_write_loss(struct pm_text *text, const struct pm_loss *loss, u32 number, u32 count);
/* Its parts, except the stack: the first line; the types; why it is alive, and when it was
   allocated. */
void pm_text_put_loss_headline(struct pm_text *text, const struct pm_loss *loss, u32 number,
                               u32 count);
void pm_text_put_loss_types(struct pm_text *text, const struct pm_loss *loss);
void pm_text_put_loss_story(struct pm_text *text, const struct pm_loss *loss);
/* Whether a record is a leak, and no suppression or filter takes it out. */
bool pm_text_is_leak(const struct pm_loss *loss);
/* Whether all blocks of a leak were allocated during import. */
bool pm_text_is_import_leak(const struct pm_loss *loss);
/* How many of a search's leaks were allocated during import only, if several were, and an empty line. */
void pm_text_write_import_leaks(struct pm_text *text, const struct pm_losses *losses);
/* The sums of a search, by kind. */
void pm_text_write_leak_summary(struct pm_text *text, const struct pm_losses *losses);

/* Who took references to watched objects: of a loss record, and the section by itself. profile->watched is not
   NULL for the first. */
void pm_text_put_balance(struct pm_text *text, const struct pm_balance_verdict *verdict);
void pm_text_write_watched(struct pm_text *text);

/* A native frame, with its source line if that is known. */
void pm_text_add_native_frame(struct pm_text *text, const struct pm_frame *frame);
/* A name of the program's. */
void pm_text_add_string(struct pm_text *text, struct pm_string_id id);

/* A wrong free: what it is, both stacks, and what is at the address. If that is no known
   block, the caller describes it. */
void pm_text_write_wrong_free(struct pm_text *text, const struct pm_wrong_free *wrong);
#define PM_TEXT_HOW_TO_KEEP_FREES "--keep-stacktraces=alloc-and-free shows where it was freed first"
/* Its first line, and the line about the address. Neither ends the line. */
void pm_text_add_wrong_free(struct pm_text *text, const struct pm_wrong_free *wrong);
void pm_text_add_wrong_free_place(struct pm_text *text, const struct pm_wrong_free *wrong);

/* The parts of the report, in the order in which they are written. */
void pm_text_write_summary(struct pm_text *text);
void pm_text_write_phases(struct pm_text *text);
void pm_text_write_histograms(struct pm_text *text, const struct pm_frame_sums *sums);
void pm_text_write_peak(struct pm_text *text, const struct pm_frame_sums *sums);
void pm_text_write_before(struct pm_text *text, const struct pm_frame_sums *sums);
void pm_text_write_live(struct pm_text *text, const struct pm_frame_sums *sums);

/* The last lines of the log: what was lost, what held the peak, what is in use at exit. */
void pm_text_write_conclusion(struct pm_text *text, const struct pm_frame_sums *sums);
/* The same without the heading, for other formats. */
void pm_text_conclude(const struct pm_profile *profile, const struct pm_text_options *options,
                      const struct pm_sink *sink);

#endif
