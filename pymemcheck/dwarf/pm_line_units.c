/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dwarf/pm_line_units.h"

#include "dwarf/pm_forms.h"

enum {
    TAG_COMPILE_UNIT = 0x11,
    TAG_PARTIAL_UNIT = 0x3c,
    TAG_SKELETON_UNIT = 0x4a,
    AT_STMT_LIST = 0x10,
    AT_COMP_DIR = 0x1b,
    UNIT_TYPE = 2,
    UNIT_SKELETON = 4,
    UNIT_SPLIT_COMPILE = 5,
    UNIT_SPLIT_TYPE = 6,
};

enum pm_line_unit_kind pm_line_unit_read(struct pm_bytes section, u64 *offset,
                                         struct pm_line_unit *unit)
{
    struct pm_cursor all = pm_cursor_at(section, *offset);

    *unit = (struct pm_line_unit){ .offset = *offset };
    if (all.failed || pm_cursor_left(&all) == 0)
        return PM_LINE_UNIT_LAST;
    const u64 length = pm_cursor_unit_length(&all, &unit->is64);
    struct pm_cursor at = pm_cursor_part(&all, length);
    if (all.failed || at.failed)
        return PM_LINE_UNIT_LAST;
    *offset = (u64)(at.end - section.bytes);
    const u64 version = pm_cursor_uint(&at, 2);
    if (version < 2 || version > 5)
        return PM_LINE_UNIT_UNKNOWN;
    unit->version = (u8)version;
    if (unit->version >= 5)
        pm_cursor_skip(&at, 2);     /* bytes of an address and of a segment's selector */
    const u64 header_length = pm_cursor_uint(&at, unit->is64 ? 8 : 4);
    unit->program = at;
    pm_cursor_skip(&unit->program, header_length);
    unit->min_instruction = pm_cursor_u8(&at);
    if (unit->version >= 4 && pm_cursor_u8(&at) != 1)
        return PM_LINE_UNIT_UNKNOWN;    /* several operations in an instruction: not on amd64 */
    pm_cursor_skip(&at, 1);     /* whether rows begin statements */
    const u8 line_base = pm_cursor_u8(&at);
    unit->line_base = line_base < 0x80 ? line_base : (i32)line_base - 0x100;
    unit->line_range = pm_cursor_u8(&at);
    unit->opcode_base = pm_cursor_u8(&at);
    unit->opcode_lengths = at.at;
    if (unit->opcode_base == 0 || unit->line_range == 0)
        return PM_LINE_UNIT_UNKNOWN;
    pm_cursor_skip(&at, (u64)unit->opcode_base - 1);
    unit->tables = at;
    return at.failed || unit->program.failed ? PM_LINE_UNIT_UNKNOWN : PM_LINE_UNIT_GOOD;
}

/* --- .debug_info --- */

/* The cursor at the tag of the abbreviation with this code; failed if there is none. */
static struct pm_cursor find_abbreviation(struct pm_bytes section, u64 offset, u64 wanted)
{
    struct pm_cursor at = pm_cursor_at(section, offset);
    u64 code;

    while ((code = pm_cursor_uleb(&at)) != wanted && code != 0 && !at.failed) {
        u64 name, form;
        pm_cursor_uleb(&at);
        pm_cursor_skip(&at, 1);
        do {
            name = pm_cursor_uleb(&at);
            form = pm_cursor_uleb(&at);
            if (form == PM_FORM_IMPLICIT_CONST)
                pm_cursor_sleb(&at);
        } while ((name != 0 || form != 0) && !at.failed);
    }
    if (code == 0)
        pm_cursor_fail(&at);
    return at;
}

/* What the first entry of a unit says about its lines. */
struct root {
    bool has_lines;
    u64 lines;          /* offset in .debug_line */
    const char *folder; /* or NULL */
};

static struct root read_root(struct pm_cursor at, const struct pm_form_unit *unit,
                             u64 abbreviations, const struct pm_debug_source *source)
{
    struct root root = { 0 };
    const u64 code = pm_cursor_uleb(&at);
    struct pm_cursor shape;

    if (at.failed || code == 0)
        return root;
    shape = find_abbreviation(pm_debug_section_of(source, PM_DEBUG_ABBREV), abbreviations, code);
    const u64 tag = pm_cursor_uleb(&shape);
    pm_cursor_skip(&shape, 1);
    if (tag != TAG_COMPILE_UNIT && tag != TAG_PARTIAL_UNIT && tag != TAG_SKELETON_UNIT)
        return root;
    while (!shape.failed) {
        u64 name = pm_cursor_uleb(&shape), form = pm_cursor_uleb(&shape);
        if (name == 0 && form == 0)
            break;
        if (form == PM_FORM_IMPLICIT_CONST)
            pm_cursor_sleb(&shape);
        struct pm_form_value value = pm_form_read(&at, form, unit, source);
        if (at.failed)
            break;
        if (name == AT_STMT_LIST) {
            root.has_lines = true;
            root.lines = value.number;
        } else if (name == AT_COMP_DIR) {
            root.folder = value.text;
        }
    }
    return root;
}

/* at: behind the unit's length. */
static struct root read_unit(struct pm_cursor at, bool is64, const struct pm_debug_source *source)
{
    const u64 version = pm_cursor_uint(&at, 2);
    struct pm_form_unit unit = { .version = (u8)version, .is64 = is64 };
    u8 type = 0;
    u64 abbreviations;

    if (version < 2 || version > 5)
        return (struct root){ 0 };
    if (unit.version >= 5) {
        type = pm_cursor_u8(&at);
        unit.address_bytes = pm_cursor_u8(&at);
    }
    abbreviations = pm_cursor_uint(&at, is64 ? 8 : 4);
    if (unit.version < 5)
        unit.address_bytes = pm_cursor_u8(&at);
    if (type == UNIT_TYPE || type == UNIT_SPLIT_TYPE)
        return (struct root){ 0 };
    if (type == UNIT_SKELETON || type == UNIT_SPLIT_COMPILE)
        pm_cursor_skip(&at, 8);     /* the unit's id */
    return at.failed ? (struct root){ 0 } : read_root(at, &unit, abbreviations, source);
}

void pm_line_folders_init(struct pm_line_folders *folders)
{
    folders->are_read = false;
    pm_map_init(&folders->by_unit);
}

void pm_line_folders_release(struct pm_line_folders *folders)
{
    pm_map_release(&folders->by_unit);
}

static void read_folders(struct pm_line_folders *folders, const struct pm_debug_source *source)
{
    struct pm_cursor all = pm_cursor_at(pm_debug_section_of(source, PM_DEBUG_INFO), 0);

    folders->are_read = true;
    while (!all.failed && pm_cursor_left(&all) > 0) {
        bool is64;
        const u64 length = pm_cursor_unit_length(&all, &is64);
        struct pm_cursor at = pm_cursor_part(&all, length);
        if (all.failed || at.failed)
            break;
        const struct root root = read_unit(at, is64, source);
        if (root.has_lines && root.folder != NULL)
            pm_map_put(&folders->by_unit, root.lines, (u64)(uintptr_t)root.folder);
        pm_cursor_skip(&all, length);
    }
}

const char *pm_line_folders_get(struct pm_line_folders *folders,
                                const struct pm_debug_source *source, u64 unit)
{
    if (!folders->are_read)
        read_folders(folders, source);
    const u64 *found = pm_map_get(&folders->by_unit, unit);
    return found != NULL ? (const char *)(uintptr_t)*found : "";
}
