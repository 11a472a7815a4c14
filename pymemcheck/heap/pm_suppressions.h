/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Suppressions over mixed stacks: reads one entry of a suppression file, and says whether it
   matches an error. The syntax is that of Valgrind's core (coregrind/m_errormgr.c, 3.19) with
   lines for Python frames and types; docs/suppressions.md describes it.

   Entries are handled one at a time. Which entries there are, in which files, and which one
   matched is kept in tool/errors/. */
#ifndef PM_SUPPRESSIONS_H
#define PM_SUPPRESSIONS_H

#include "base/pm_buffer.h"
#include "base/pm_types.h"
#include "heap/pm_losses.h"
#include "heap/pm_tables.h"

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
    const char *pattern;        /* points into the text of the entry */
    size_t length;
    u32 line;                   /* src: the line, 0: any */
};

struct pm_suppression {
    enum pm_suppression_kind kind;
    u32 loss_kinds;             /* PM_LOSS_KIND bits */
    struct pm_suppression_line *types, *frames;
    size_t type_count, frame_count;
    char *text;                 /* owned; the patterns point into it */
    u32 lines;                  /* number of the last line of text before the closing brace */
};

/* What entries are compared with: an error. */
struct pm_suppression_subject {
    enum pm_suppression_kind kind;
    enum pm_loss_kind loss;             /* of a leak */
    struct pm_stack_id stack;
    const struct pm_loss_type *types;   /* of a leak; an empty name is for blocks that are not objects */
    size_t type_count;
};

/* Reads the lines of an entry from after "pymemcheck:Leak" (or Free) to the closing brace.
   text may go on after it. True: *suppression is filled in; release it. False: *wrong_line is
   the line that is wrong, counted from 1 in text, and problem says what was expected there. */
bool pm_suppression_parse(struct pm_suppression *suppression, enum pm_suppression_kind kind,
                          const char *text, size_t length, u32 *wrong_line,
                          struct pm_buffer *problem);
void pm_suppression_release(struct pm_suppression *suppression);

/* Cost: one walk of the stack, and for each Python line in the entry, at worst the square of
   the bytes of the name that it is compared with. */
bool pm_suppression_matches(const struct pm_suppression *suppression,
                            const struct pm_tables *tables,
                            const struct pm_suppression_subject *subject);

/* "fun:" */
const char *pm_suppression_field_text(enum pm_suppression_field field);

#endif
