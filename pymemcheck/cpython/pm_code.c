/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpython/pm_code.h"

#include "base/pm_map.h"
#include "base/pm_platform.h"
#include "cpython/pm_pystring.h"

/* Longer line tables are taken for damage: CPython's own longest is below
   a hundred kilobytes. */
enum { MAX_TABLE_BYTES = 1 << 24 };

struct code_view {
    u64 filename, name, qualname, lines;    /* objects; before 3.11 qualname is the name */
    i32 first_line;
};

/* False when it cannot be read, or the object is of another type. */
static bool read_code(const struct pm_interpreter *interpreter, struct pm_reader *reader, u64 code,
                      struct code_view *view)
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

/* The instruction's offset in bytes; see pm_linetable_line. */
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

static bool resolve_line(const struct pm_layout *layout, struct pm_reader *reader,
                         const struct code_view *view, i64 offset, u32 *line)
{
    u64 length;
    u8 *table;
    i32 found = PM_LINE_BROKEN;

    *line = 0;
    if (!pm_reader_read_u64(reader, view->lines + (u64)layout->at.bytes_length, &length)
            || length > MAX_TABLE_BYTES)
        return false;
    table = pm_alloc("pm.code.table", length + 1);
    if (pm_reader_read(reader, view->lines + (u64)layout->at.bytes_data, table, length))
        found = pm_linetable_line(layout->lines, table, length, view->first_line, offset);
    pm_free(table);
    if (found >= 0)
        *line = (u32)found;
    return found != PM_LINE_BROKEN;
}

void pm_code_location_init(struct pm_code_location *location)
{
    pm_buffer_init(&location->file);
    pm_buffer_init(&location->function);
    location->line = 0;
}

void pm_code_location_release(struct pm_code_location *location)
{
    pm_buffer_release(&location->file);
    pm_buffer_release(&location->function);
}

bool pm_code_resolve(const struct pm_interpreter *interpreter, struct pm_reader *reader, u64 code,
                     u64 position, struct pm_code_location *location)
{
    const struct pm_layout *layout = interpreter->layout;
    struct code_view view;
    bool file, function, line;

    pm_buffer_clear(&location->file);
    pm_buffer_clear(&location->function);
    location->line = 0;
    if (!read_code(interpreter, reader, code, &view))
        return false;
    file = pm_pystring_append(layout, reader, view.filename, &location->file);
    function = pm_pystring_append(layout, reader, view.qualname, &location->function);
    line = resolve_line(layout, reader, &view, code_offset(layout, code, position),
                        &location->line);
    return file && function && line;
}

u64 pm_code_fingerprint(const struct pm_interpreter *interpreter, struct pm_reader *reader,
                        u64 code)
{
    struct code_view view;
    u64 hash;

    if (!read_code(interpreter, reader, code, &view))
        return 0;
    hash = pm_hash_u64(view.filename + 1);
    hash = pm_hash_u64(hash ^ view.name);
    hash = pm_hash_u64(hash ^ view.lines);
    hash = pm_hash_u64(hash ^ (u32)view.first_line);
    return hash != 0 ? hash : 1;
}
