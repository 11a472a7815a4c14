/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The four encodings of line numbers that CPython has had, as pure functions of a byte
   string. docs/line-tables.md has the sources. */
#ifndef PM_LINETABLE_H
#define PM_LINETABLE_H

#include "base/pm_types.h"

enum pm_linetable_kind {
    PM_LINETABLE_UNSIGNED,  /* co_lnotab up to 3.5: unsigned line deltas */
    PM_LINETABLE_SIGNED,    /* co_lnotab 3.6 to 3.9: signed line deltas */
    PM_LINETABLE_RANGES,    /* co_linetable of 3.10 (PEP 626) */
    PM_LINETABLE_LOCATIONS, /* co_linetable from 3.11 on (PEP 657) */
};

enum {
    PM_LINE_NONE = -1,      /* the instruction has no line */
    PM_LINE_BROKEN = -2,    /* the table is damaged, or ends before the instruction */
};

/* A place in a table, before an entry. Keep it between look-ups in the same table, so that each need
   not start at the table's beginning. */
struct pm_linetable_cursor {
    size_t at;      /* in bytes of the table */
    i64 covered;    /* bytes of code before it */
    i64 line;       /* there */
};

/* As pm_linetable_line, but starts at *cursor unless that is behind the offset. Start with { .line =
   first_line }. Leaves *cursor at the entry that has the line. */
i32 pm_linetable_seek(enum pm_linetable_kind kind, const u8 *table, size_t length, i32 first_line,
                      i64 offset, struct pm_linetable_cursor *cursor);

/* The line of the instruction at offset, in bytes of code, or one of the values above. A negative
   offset means that the frame has not begun, and gives first_line. */
i32 pm_linetable_line(enum pm_linetable_kind kind, const u8 *table, size_t length, i32 first_line,
                      i64 offset);

#endif
