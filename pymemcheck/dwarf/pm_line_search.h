/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which source line an address of an ELF file belongs to. Runs the line programs in .debug_line once
   for many wanted addresses, and keeps only the answers (DWARF 5, 6.2). */
#ifndef PM_LINE_SEARCH_H
#define PM_LINE_SEARCH_H

#include "base/pm_buffer.h"
#include "base/pm_types.h"
#include "dwarf/pm_line_units.h"

struct pm_line_wanted {
    u64 address;        /* as the file was linked */
    u32 tag;            /* the caller's */
    /* The answer. */
    bool found;
    u32 line;           /* 0: it belongs to no line, as the compiler says */
    u32 file;           /* in the unit's table */
    u64 unit;           /* offset of the unit in .debug_line */
    u64 start;          /* where the row that contains the address begins */
    /* The last row before it, in its sequence, of another file: where the compiler inlined a function from a header, mostly
       the line that called it. 0: none. */
    u32 outer_file, outer_line;
    u64 outer_start;    /* where that row begins */
};

/* wanted: sorted by address, not found yet. Damaged units are passed over. Cost: linear in the length
   of .debug_line. */
void pm_line_search(const struct pm_debug_source *source, struct pm_line_wanted *wanted, u32 count);

/* All rows, for many searches one after the other. */
struct pm_line_row {
    u64 start, end;     /* addresses as the file was linked; end is behind the last */
    u64 unit;           /* as in struct pm_line_wanted, file and line too */
    u32 file, line;
};

struct pm_line_rows {
    struct pm_line_row *rows;       /* sorted by start */
    u32 count, capacity;
};

/* Cost: linear in the length of .debug_line; 32 bytes for each row. Release with pm_line_rows_release. */
void pm_line_rows_read(const struct pm_debug_source *source, struct pm_line_rows *rows);
void pm_line_rows_release(struct pm_line_rows *rows);

/* The answer of pm_line_search for wanted, but for what begins with outer. Cost: logarithmic. */
void pm_line_rows_find(const struct pm_line_rows *rows, struct pm_line_wanted *wanted);

/* Appends the names for a line that was found: the folder (nothing if unknown), and the file as the
   table has it, which may contain folders too. False if the tables are damaged. */
bool pm_line_names(const struct pm_debug_source *source, struct pm_line_folders *folders,
                   const struct pm_line_wanted *line, struct pm_buffer *folder,
                   struct pm_buffer *file);

#endif
