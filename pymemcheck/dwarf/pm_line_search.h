/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which source line an address of an ELF file belongs to: runs the line programs in .debug_line
   once for many wanted addresses and keeps nothing else of them (DWARF 5, 6.2). */
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
    u32 line;           /* 0: the compiler says that it belongs to none */
    u32 file;           /* in the unit's table */
    u64 unit;           /* offset of the unit in .debug_line */
    u64 start;          /* where the row begins that the address is in */
};

/* wanted: sorted by address, not found yet. What is damaged is passed over. Cost: the length of .debug_line. */
void pm_line_search(const struct pm_debug_source *source, struct pm_line_wanted *wanted, u32 count);

/* The names for a line that was found, appended to both: the folder ("" if not known), and the
   file as the table has it, perhaps with folders of its own. False if the tables are damaged. */
bool pm_line_names(const struct pm_debug_source *source, struct pm_line_folders *folders,
                   const struct pm_line_wanted *line, struct pm_buffer *folder,
                   struct pm_buffer *file);

#endif
