/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Suppressions over mixed stacks: what one entry of a suppression file says,
   whether an error is as it says, and the entry for a given error. The syntax
   is that of Valgrind's core (coregrind/m_errormgr.c, 3.19) with lines for
   Python frames and types; docs/suppressions.md describes it.

   Which entries there are, in which files, and which one matched is not known
   here: an entry is read and asked one at a time. */
#ifndef PM_SUPPRESSIONS_H
#define PM_SUPPRESSIONS_H

#include "base/pm_buffer.h"
#include "base/pm_strings.h"
#include "base/pm_types.h"
#include "heap/pm_frames.h"
#include "heap/pm_losses.h"
#include "heap/pm_stacks.h"

enum pm_suppression_kind {
    PM_SUPPRESS_LEAK,       /* pymemcheck:Leak */
    PM_SUPPRESS_FREE,       /* pymemcheck:Free */
};

enum pm_suppression_field {
    PM_SUPPRESS_TYPE,       /* pytype: */
    PM_SUPPRESS_FUN,        /* fun: */
    PM_SUPPRESS_OBJ,        /* obj: */
    PM_SUPPRESS_SRC,        /* src: */
    PM_SUPPRESS_PYFUN,      /* pyfun: */
    PM_SUPPRESS_PYFILE,     /* pyfile: */
    PM_SUPPRESS_ANY_FRAMES, /* ... */
};

struct pm_suppression_line {
    enum pm_suppression_field field;
    const char *pattern;        /* in the text of the entry */
    size_t length;
    u32 line;                   /* src: the line, 0: any */
};

struct pm_suppression {
    enum pm_suppression_kind kind;
    u32 loss_kinds;             /* PM_LOSS_KIND bits */
    struct pm_suppression_line *types, *frames;
    size_t type_count, frame_count;
    char *text;                 /* owned copy of what the patterns point into */
    u32 lines;                  /* lines of the text up to the last one before the closing brace */
};

/* What an error is matched by. */
struct pm_suppression_subject {
    enum pm_suppression_kind kind;
    enum pm_loss_kind loss;             /* of a leak */
    struct pm_stack_id stack;
    const struct pm_loss_type *types;   /* of a leak; those with an empty name are no objects */
    size_t type_count;
};

/* The tables that a subject's ids are of. */
struct pm_suppression_tables {
    const struct pm_strings *strings;
    const struct pm_frames *frames;
    const struct pm_stacks *stacks;
};

/* Reads the lines of an entry that follow its "pymemcheck:Leak" (or Free) up to the closing brace,
   from text, which may go on after it. True: *suppression is filled in; release it. False: *wrong_line
   is the line that is wrong, counted from 1 in text, and problem has what was expected there. */
bool pm_suppression_parse(struct pm_suppression *suppression, enum pm_suppression_kind kind,
                          const char *text, size_t length, u32 *wrong_line,
                          struct pm_buffer *problem);
void pm_suppression_release(struct pm_suppression *suppression);

/* Cost: one walk of the stack, and for each frame with a Python line the bytes of its file name
   squared at worst. */
bool pm_suppression_matches(const struct pm_suppression *suppression,
                            const struct pm_suppression_tables *tables,
                            const struct pm_suppression_subject *subject);

/* Appends the entry that matches subject and no other stack, each line indented by three blanks,
   braces and a placeholder for the name included, as --gen-suppressions= prints it. */
void pm_suppression_suggest(struct pm_buffer *out, const struct pm_suppression_tables *tables,
                            const struct pm_suppression_subject *subject);
#define PM_SUPPRESSION_PLACEHOLDER "insert_a_suppression_name_here"

/* One frame's line of such an entry without blanks before it: its field, and its pattern appended
   to out. False: the frame needs no line (it stands for frames that are not there). */
bool pm_suppression_suggest_frame(struct pm_buffer *out, const struct pm_strings *strings,
                                  const struct pm_frame *frame, enum pm_suppression_field *field);
/* "fun:" */
const char *pm_suppression_field_text(enum pm_suppression_field field);

/* Appends the dotted name that pyfun: lines are compared with: the parts of the file's path, without
   .py, a final __init__ and a leading slash, and the function, all joined by dots. For a file in angle
   brackets it is what they hold, without the word "frozen"; for one without a path, its name. */
void pm_suppression_add_dotted(struct pm_buffer *out, const struct pm_strings *strings,
                               const struct pm_frame *frame);

#endif
