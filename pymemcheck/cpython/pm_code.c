/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpython/pm_code.h"

#include "base/pm_platform.h"
#include "cpython/pm_pystring.h"

/* A longer line table is taken for damage: the longest in CPython's library is below 100 kB. The copy grows
   as it is read, and the memory of a long one is not kept. */
enum { MAX_TABLE_BYTES = 1 << 24, MAX_KEPT_BYTES = 1 << 20, PART_BYTES = 4096 };

/* False if it cannot be read, or is no code object. */
static bool read_code(const struct pm_interpreter *interpreter, struct pm_reader *reader, u64 code,
                      struct pm_code_view *view)
{
    const struct pm_layout_numbers *at = &interpreter->layout->at;
    u8 block[PM_LAYOUT_CODE_BYTES];

    if (!pm_reader_read(reader, code, block, (size_t)at->code_bytes))
        return false;
    if (interpreter->code_type != 0
            && pm_layout_u64(block, at->object_type) != interpreter->code_type)
        return false;
    view->filename = pm_layout_u64(block, at->code_filename);
    view->name = pm_layout_u64(block, at->code_name);
    view->qualname = at->code_qualname == PM_LAYOUT_ABSENT
        ? view->name : pm_layout_u64(block, at->code_qualname);
    view->lines = pm_layout_u64(block, at->code_lines);
    view->first_line = pm_layout_i32(block, at->code_first_line);
    return true;
}

/* The offset of the instruction in bytes, for pm_linetable_line. */
static i64 code_offset(const struct pm_layout *layout, u64 code, u64 position)
{
    switch (layout->position) {
    case PM_POSITION_BYTES:
        return (i64)position;
    case PM_POSITION_UNITS:
        return (i64)(position * 2);
    case PM_POSITION_POINTER:
        return (i64)(position - code - (u64)layout->at.code_instructions);
    }
    return -1;
}

static bool read_table(const struct pm_layout *layout, struct pm_reader *reader, u64 lines,
                       struct pm_buffer *table)
{
    u64 length;

    if (table->capacity > MAX_KEPT_BYTES) {
        pm_buffer_release(table);
        pm_buffer_init(table);
    }
    pm_buffer_clear(table);
    if (!pm_reader_read_u64(reader, lines + (u64)layout->at.bytes_length, &length)
            || length > MAX_TABLE_BYTES)
        return false;
    while (table->length < length) {
        const u64 place = lines + (u64)layout->at.bytes_data + table->length;
        const u64 left = length - table->length, part = left < PART_BYTES ? left : PART_BYTES;
        if (!pm_reader_read(reader, place, pm_buffer_extend(table, part), part)) {
            pm_buffer_clear(table);
            return false;
        }
    }
    return true;
}

void pm_code_location_init(struct pm_code_location *location)
{
    *location = (struct pm_code_location){ .line = 0 };
    pm_buffer_init(&location->file);
    pm_buffer_init(&location->function);
    pm_buffer_init(&location->table);
}

void pm_code_location_release(struct pm_code_location *location)
{
    pm_buffer_release(&location->file);
    pm_buffer_release(&location->function);
    pm_buffer_release(&location->table);
}

bool pm_code_open(const struct pm_interpreter *interpreter, struct pm_reader *reader, u64 code,
                  struct pm_code_location *location)
{
    const struct pm_layout *layout = interpreter->layout;
    struct pm_code_view *view = &location->view;
    bool file, function;

    pm_buffer_clear(&location->file);
    pm_buffer_clear(&location->function);
    location->line = 0;
    location->has_table = false;
    if (!read_code(interpreter, reader, code, view))
        return false;
    file = pm_pystring_append(layout, reader, view->filename, &location->file);
    function = pm_pystring_append(layout, reader, view->qualname, &location->function);
    location->has_table = read_table(layout, reader, view->lines, &location->table);
    location->cursor = (struct pm_linetable_cursor){ .line = view->first_line };
    return file && function && location->has_table;
}

bool pm_code_is_open(const struct pm_interpreter *interpreter, struct pm_reader *reader, u64 code,
                     const struct pm_code_location *location)
{
    struct pm_code_view view;
    const struct pm_code_view *known = &location->view;

    return read_code(interpreter, reader, code, &view) && view.filename == known->filename
        && view.name == known->name && view.qualname == known->qualname
        && view.lines == known->lines && view.first_line == known->first_line;
}

bool pm_code_seek(const struct pm_interpreter *interpreter, u64 code, u64 position,
                  struct pm_code_location *location)
{
    const struct pm_layout *layout = interpreter->layout;
    i32 line = PM_LINE_BROKEN;

    if (location->has_table)
        line = pm_linetable_seek(layout->lines, (const u8 *)location->table.bytes,
                                 location->table.length, location->view.first_line,
                                 code_offset(layout, code, position), &location->cursor);
    location->line = line >= 0 ? (u32)line : 0;
    return line != PM_LINE_BROKEN;
}

bool pm_code_resolve(const struct pm_interpreter *interpreter, struct pm_reader *reader, u64 code,
                     u64 position, struct pm_code_location *location)
{
    bool opened = pm_code_open(interpreter, reader, code, location);
    bool found = pm_code_seek(interpreter, code, position, location);

    return opened && found;
}
