/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The headers of the units in .debug_line: DWARF 2 to 5, 32 and 64 bit (DWARF 5, 6.2.4;
   DWARF 4, 6.2.4). */
#ifndef PM_LINE_UNITS_H
#define PM_LINE_UNITS_H

#include "base/pm_map.h"
#include "base/pm_types.h"
#include "dwarf/pm_cursor.h"
#include "dwarf/pm_debug_source.h"

struct pm_line_unit {
    u64 offset;                     /* of the unit in .debug_line */
    u8 version;
    bool is64;
    u8 min_instruction;             /* bytes, by which address advances are multiplied */
    i32 line_base;
    u8 line_range, opcode_base;
    const u8 *opcode_lengths;       /* of opcode 1 and on; opcode_base - 1 of them */
    struct pm_cursor tables;        /* folders and files, up to the end of the unit */
    struct pm_cursor program;
};

enum pm_line_unit_kind {
    PM_LINE_UNIT_GOOD,
    PM_LINE_UNIT_UNKNOWN,   /* of another version, or damaged: continue behind it */
    PM_LINE_UNIT_LAST,      /* the end, or the next unit cannot be found */
};

/* Reads the header of the unit at *offset and sets *offset to the next one's. */
enum pm_line_unit_kind pm_line_unit_read(struct pm_bytes section, u64 *offset,
                                         struct pm_line_unit *unit);

/* The folders in which units were compiled (DW_AT_comp_dir). For units before DWARF 5, whose line
   tables do not contain them. Read from .debug_info when first needed. */
struct pm_line_folders {
    bool are_read;
    struct pm_map by_unit;      /* offset in .debug_line -> text in the source */
};

void pm_line_folders_init(struct pm_line_folders *folders);
void pm_line_folders_release(struct pm_line_folders *folders);
/* unit: offset in .debug_line. "" if its folder is unknown. */
const char *pm_line_folders_get(struct pm_line_folders *folders,
                                const struct pm_debug_source *source, u64 unit);

#endif
