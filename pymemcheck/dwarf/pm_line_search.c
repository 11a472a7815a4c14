/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A program makes rows of address, file and line. A row is valid from its address to that of the next row
   in the same sequence. Most rows cover no wanted address, and cost one compare.

   Linkers leave rows of functions that they dropped, at address 0 or at the highest ones: such
   sequences are passed over. */
#include "dwarf/pm_line_search.h"

#include "base/pm_grow.h"
#include "base/pm_platform.h"
#include "base/pm_sort.h"
#include "dwarf/pm_forms.h"

enum {
    OP_EXTENDED = 0,
    OP_COPY = 1,
    OP_ADVANCE_PC = 2,
    OP_ADVANCE_LINE = 3,
    OP_SET_FILE = 4,
    OP_SET_COLUMN = 5,
    OP_NEGATE_STATEMENT = 6,
    OP_SET_BASIC_BLOCK = 7,
    OP_CONST_ADD_PC = 8,
    OP_FIXED_ADVANCE_PC = 9,
    OP_SET_PROLOGUE_END = 10,
    OP_SET_EPILOGUE_BEGIN = 11,
    OP_SET_ISA = 12,
};

enum {
    EXTENDED_END_SEQUENCE = 1,
    EXTENDED_SET_ADDRESS = 2,
    EXTENDED_DEFINE_FILE = 3,
};

enum { CONTENT_PATH = 1, CONTENT_FOLDER = 2, MAX_FORMATS = 256 };

struct machine {
    const struct pm_line_unit *unit;
    struct pm_cursor at;
    /* The registers; line numbers wrap. */
    u64 address;
    u32 file, line;
    /* The last row of this sequence. */
    bool has_row, dropped;
    u64 row_address;
    u32 row_file, row_line;
    u32 outer_file, outer_line; /* of the last row before it of another file; 0: none */
    u64 outer_address;
    /* The search. next: the first wanted address that is not below row_address. */
    struct pm_line_wanted *wanted;
    u32 count, next;
    u64 next_address;
    struct pm_line_rows *rows;  /* NULL, or where all rows go */
    /* If not 0: the number of the wanted file among those that the program itself defines, and where it is. */
    u64 definition;
    struct pm_cursor defined;
};

static void reset(struct machine *machine)
{
    machine->address = 0;
    machine->file = 1;
    machine->line = 1;
    machine->has_row = false;
    machine->outer_file = machine->outer_line = 0;
    machine->dropped = true;    /* until an address is set */
}

static void seek(struct machine *machine, u64 address)
{
    u32 low = 0, high = machine->count;

    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (machine->wanted[middle].address < address)
            low = middle + 1;
        else
            high = middle;
    }
    machine->next = low;
    machine->next_address = low < machine->count ? machine->wanted[low].address : UINT64_MAX;
}

/* The last row ends here, and covers a wanted address. If rows overlap, the one that begins last is right. */
static void take_row(struct machine *machine)
{
    while (machine->next < machine->count && machine->next_address < machine->address) {
        struct pm_line_wanted *wanted = &machine->wanted[machine->next++];
        if (!wanted->found || machine->row_address > wanted->start) {
            wanted->found = true;
            wanted->line = machine->row_line;
            wanted->file = machine->row_file;
            wanted->unit = machine->unit->offset;
            wanted->start = machine->row_address;
            wanted->outer_file = machine->outer_file;
            wanted->outer_line = machine->outer_line;
            wanted->outer_start = machine->outer_address;
        }
        machine->next_address = machine->next < machine->count
            ? machine->wanted[machine->next].address : UINT64_MAX;
    }
}

static void keep_row(const struct machine *machine)
{
    struct pm_line_rows *rows = machine->rows;

    if (machine->address <= machine->row_address)
        return;
    rows->rows = pm_grow_to("dwarf.rows", rows->rows, &rows->capacity, rows->count, sizeof *rows->rows);
    rows->rows[rows->count++] = (struct pm_line_row){
        .start = machine->row_address, .end = machine->address, .unit = machine->unit->offset,
        .file = machine->row_file, .line = machine->row_line,
    };
}

static inline void end_row(struct machine *machine)
{
    if (!machine->has_row || machine->dropped)
        return;
    if (machine->rows != NULL)
        keep_row(machine);
    if (machine->address < machine->row_address)
        seek(machine, machine->address);
    else if (machine->address > machine->next_address)
        take_row(machine);
}

static inline void add_row(struct machine *machine)
{
    end_row(machine);
    if (!machine->has_row)
        seek(machine, machine->address);
    if (machine->has_row && machine->row_file != machine->file) {
        machine->outer_file = machine->row_file;
        machine->outer_line = machine->row_line;
        machine->outer_address = machine->row_address;
    }
    machine->has_row = true;
    machine->row_address = machine->address;
    machine->row_file = machine->file;
    machine->row_line = machine->line;
}

static void run_extended(struct machine *machine)
{
    const u64 length = pm_cursor_uleb(&machine->at);
    struct pm_cursor at = pm_cursor_part(&machine->at, length);

    if (length == 0 || at.failed) {
        pm_cursor_fail(&machine->at);
        return;
    }
    pm_cursor_skip(&machine->at, length);
    switch (pm_cursor_u8(&at)) {
    case EXTENDED_END_SEQUENCE:
        end_row(machine);
        reset(machine);
        break;
    case EXTENDED_SET_ADDRESS:
        machine->address = length <= 9 ? pm_cursor_uint(&at, (unsigned)length - 1) : 0;
        if (!machine->has_row)
            machine->dropped = machine->address == 0 || machine->address >= UINT64_MAX - 1;
        break;
    case EXTENDED_DEFINE_FILE:
        if (machine->definition != 0 && --machine->definition == 0) {
            machine->defined = at;
            machine->at.at = machine->at.end;
        }
        break;
    default:        /* discriminators, and extensions of vendors */
        break;
    }
}

static void run_standard(struct machine *machine, u8 opcode)
{
    const struct pm_line_unit *unit = machine->unit;

    switch (opcode) {
    case OP_EXTENDED:
        run_extended(machine);
        break;
    case OP_COPY:
        add_row(machine);
        break;
    case OP_ADVANCE_PC:
        machine->address += pm_cursor_uleb(&machine->at) * unit->min_instruction;
        break;
    case OP_ADVANCE_LINE:
        machine->line += (u32)pm_cursor_sleb(&machine->at);
        break;
    case OP_SET_FILE:
        machine->file = (u32)pm_cursor_uleb(&machine->at);
        break;
    case OP_SET_COLUMN:
    case OP_SET_ISA:
        pm_cursor_uleb(&machine->at);
        break;
    case OP_NEGATE_STATEMENT:
    case OP_SET_BASIC_BLOCK:
    case OP_SET_PROLOGUE_END:
    case OP_SET_EPILOGUE_BEGIN:
        break;
    case OP_CONST_ADD_PC:
        machine->address += (u64)((255 - unit->opcode_base) / unit->line_range)
            * unit->min_instruction;
        break;
    case OP_FIXED_ADVANCE_PC:
        machine->address += pm_cursor_uint(&machine->at, 2);
        break;
    default:
        for (u8 i = unit->opcode_lengths[opcode - 1]; i > 0; i--)
            pm_cursor_uleb(&machine->at);
        break;
    }
}

static void run(struct machine *machine)
{
    const struct pm_line_unit *unit = machine->unit;

    reset(machine);
    machine->at = unit->program;
    while (machine->at.at < machine->at.end) {
        u8 opcode = *machine->at.at++;
        if (opcode < unit->opcode_base) {
            run_standard(machine, opcode);
            continue;
        }
        opcode -= unit->opcode_base;
        machine->address += (u64)(opcode / unit->line_range) * unit->min_instruction;
        machine->line += (u32)(opcode % unit->line_range + unit->line_base);
        add_row(machine);
    }
}

/* Runs the programs of all units. */
static void run_all(const struct pm_debug_source *source, struct machine machine)
{
    const struct pm_bytes section = pm_debug_section_of(source, PM_DEBUG_LINE);
    enum pm_line_unit_kind kind;
    struct pm_line_unit unit;
    u64 offset = 0;

    machine.unit = &unit;
    while ((kind = pm_line_unit_read(section, &offset, &unit)) != PM_LINE_UNIT_LAST)
        if (kind == PM_LINE_UNIT_GOOD)
            run(&machine);
}

void pm_line_search(const struct pm_debug_source *source, struct pm_line_wanted *wanted, u32 count)
{
    run_all(source, (struct machine){ .wanted = wanted, .count = count });
}

void pm_line_rows_read(const struct pm_debug_source *source, struct pm_line_rows *rows)
{
    struct pm_line_rows found = { 0 };

    run_all(source, (struct machine){ .next_address = UINT64_MAX, .rows = &found });
    struct pm_keyed *order = pm_alloc("dwarf.rows", found.count * sizeof *order);
    for (u32 i = 0; i < found.count; i++)
        order[i] = (struct pm_keyed){ found.rows[i].start, i };
    pm_sort_keyed(order, found.count);
    *rows = (struct pm_line_rows){
        .rows = pm_alloc("dwarf.rows", found.count * sizeof *rows->rows), .count = found.count, .capacity = found.count,
    };
    for (u32 i = 0; i < found.count; i++)
        rows->rows[i] = found.rows[order[i].item];
    pm_free(order);
    pm_free(found.rows);
}

void pm_line_rows_release(struct pm_line_rows *rows)
{
    pm_free(rows->rows);
    *rows = (struct pm_line_rows){ 0 };
}

/* Rows overlap seldom, and little: the row that begins last before the address is nearly always the only one that can contain
   it. Of rows that begin together the first in the file is taken, as by take_row. */
void pm_line_rows_find(const struct pm_line_rows *rows, struct pm_line_wanted *wanted)
{
    enum { MOST_OVERLAPPING = 64 };
    u32 low = 0, high = rows->count;

    while (low < high) {
        const u32 middle = low + (high - low) / 2;
        if (rows->rows[middle].start <= wanted->address)
            low = middle + 1;
        else
            high = middle;
    }
    for (u32 tried = 0; low-- > 0 && tried < MOST_OVERLAPPING; tried++) {
        const struct pm_line_row *row = &rows->rows[low];
        if (wanted->found && row->start < wanted->start)
            return;
        if (row->end <= wanted->address)
            continue;
        wanted->found = true;
        wanted->line = row->line;
        wanted->file = row->file;
        wanted->unit = row->unit;
        wanted->start = row->start;
    }
}

/* --- Names --- */

/* One entry of a table of folders or files. */
struct entry {
    const char *path;
    u64 folder;
};

/* How the entries of a table of DWARF 5 are stored. */
struct formats {
    struct pm_form_unit unit;
    u32 count;
    u64 contents[MAX_FORMATS], forms[MAX_FORMATS];
};

static void read_formats(struct pm_cursor *at, struct formats *formats)
{
    formats->count = pm_cursor_u8(at);
    for (u32 i = 0; i < formats->count; i++) {
        formats->contents[i] = pm_cursor_uleb(at);
        formats->forms[i] = pm_cursor_uleb(at);
        /* An entry must use bytes, or a loop over a damaged count would take too long. */
        if (formats->forms[i] == PM_FORM_IMPLICIT_CONST
                || formats->forms[i] == PM_FORM_FLAG_PRESENT)
            pm_cursor_fail(at);
    }
}

static struct entry read_entry(struct pm_cursor *at, const struct formats *formats,
                               const struct pm_debug_source *source)
{
    struct entry entry = { 0 };

    for (u32 i = 0; i < formats->count; i++) {
        struct pm_form_value value = pm_form_read(at, formats->forms[i], &formats->unit, source);
        if (formats->contents[i] == CONTENT_PATH)
            entry.path = value.text;
        else if (formats->contents[i] == CONTENT_FOLDER)
            entry.folder = value.number;
    }
    return entry;
}

/* Reads a table of DWARF 5 and returns its entry at index; no path if there is none. */
static struct entry read_table(struct pm_cursor *at, u64 index, const struct pm_line_unit *unit,
                               const struct pm_debug_source *source)
{
    struct formats formats = {
        .unit = { .version = unit->version, .address_bytes = 8, .is64 = unit->is64 },
    };
    struct entry found = { 0 };

    read_formats(at, &formats);
    const u64 count = pm_cursor_uleb(at);
    if (formats.count == 0)
        return found;
    for (u64 i = 0; i < count && !at->failed; i++) {
        struct entry entry = read_entry(at, &formats, source);
        if (i == index && !at->failed)
            found = entry;
    }
    return found;
}

/* Folders before DWARF 5: strings, ended by an empty one, numbered from 1. */
static const char *read_old_folders(struct pm_cursor *at, u64 index)
{
    const char *found = NULL, *text;

    for (u64 i = 1; *(text = pm_cursor_text(at)) != '\0'; i++)
        if (i == index)
            found = text;
    return found;
}

static struct entry read_old_file(struct pm_cursor *at)
{
    struct entry entry = { .path = pm_cursor_text(at) };

    if (*entry.path == '\0')
        return (struct entry){ 0 };
    entry.folder = pm_cursor_uleb(at);
    pm_cursor_uleb(at);     /* time */
    pm_cursor_uleb(at);     /* bytes */
    return at->failed ? (struct entry){ 0 } : entry;
}

/* Files before DWARF 5 are numbered from 1: first those in the table, then those that the program defines. */
static struct entry find_old_file(struct pm_cursor *at, const struct pm_line_unit *unit, u64 index)
{
    struct machine machine = { .unit = unit };
    u64 count = 0;

    for (struct entry entry; (entry = read_old_file(at)).path != NULL;)
        if (++count == index)
            return entry;
    if (at->failed || index == 0)
        return (struct entry){ 0 };
    machine.definition = index - count;
    run(&machine);
    return machine.definition == 0 && machine.defined.at != NULL
        ? read_old_file(&machine.defined) : (struct entry){ 0 };
}

static void add_folder(struct pm_buffer *out, const char *compiled_in, const char *folder)
{
    if (folder[0] != '/' && compiled_in[0] != '\0') {
        pm_buffer_add_text(out, compiled_in);
        pm_buffer_add_char(out, '/');
    }
    pm_buffer_add_text(out, folder);
}

static bool name_new(const struct pm_debug_source *source, const struct pm_line_unit *unit,
                     u32 file, struct pm_buffer *folder, struct pm_buffer *name)
{
    struct pm_cursor at = unit->tables, again = unit->tables;

    const struct entry compiled_in = read_table(&at, 0, unit, source);
    const struct entry entry = read_table(&at, file, unit, source);
    if (entry.path == NULL)
        return false;
    pm_buffer_add_text(name, entry.path);
    const struct entry place = read_table(&again, entry.folder, unit, source);
    if (place.path != NULL)
        add_folder(folder, compiled_in.path != NULL ? compiled_in.path : "", place.path);
    return true;
}

static bool name_old(const struct pm_debug_source *source, struct pm_line_folders *folders,
                     const struct pm_line_unit *unit, u32 file, struct pm_buffer *folder,
                     struct pm_buffer *name)
{
    struct pm_cursor at = unit->tables, again = unit->tables;

    read_old_folders(&at, 0);
    const struct entry entry = find_old_file(&at, unit, file);
    if (entry.path == NULL)
        return false;
    pm_buffer_add_text(name, entry.path);
    const char *compiled_in = pm_line_folders_get(folders, source, unit->offset);
    if (entry.folder == 0) {
        pm_buffer_add_text(folder, compiled_in[0] != '\0' ? compiled_in : ".");
    } else {
        const char *place = read_old_folders(&again, entry.folder);
        if (place != NULL)
            add_folder(folder, compiled_in, place);
    }
    return true;
}

bool pm_line_names(const struct pm_debug_source *source, struct pm_line_folders *folders,
                   const struct pm_line_wanted *line, struct pm_buffer *folder,
                   struct pm_buffer *file)
{
    struct pm_line_unit unit;
    u64 offset = line->unit;

    if (!line->found || pm_line_unit_read(pm_debug_section_of(source, PM_DEBUG_LINE), &offset,
                                          &unit) != PM_LINE_UNIT_GOOD)
        return false;
    return unit.version >= 5 ? name_new(source, &unit, line->file, folder, file)
                             : name_old(source, folders, &unit, line->file, folder, file);
}
