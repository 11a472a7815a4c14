/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpython/pm_debug_offsets.h"

#include "base/pm_platform.h"
#include "cpython/pm_layout.h"

/* Offsets in the head of the table, and a bound on the size of an object. */
enum {
    COOKIE_BYTES = 8,
    VERSION = 8,
    FREE_THREADED = 16,
    MAX_OBJECT_BYTES = 1 << 16,
};

/* One word that we use, as offsets into our own structs. */
struct field {
    const char *name;
    u32 place, size_place, number, width;
};

static const struct field fields[] = {
#define FIELD(number_, section, member, width_) { \
        .name = #section "." #member, \
        .place = offsetof(struct pm_offsets_places, section##_##member), \
        .size_place = offsetof(struct pm_offsets_places, section##_size), \
        .number = offsetof(struct pm_layout_numbers, number_), \
        .width = width_, \
    },
    PM_OFFSETS_FIELDS(FIELD)
#undef FIELD
};

enum { FIELDS = PM_ARRAY_LENGTH(fields) };

struct table {
    const struct pm_offsets_places *places;
    u8 bytes[PM_OFFSETS_TABLE_BYTES];
    struct pm_buffer *why;
};

static bool refuse(struct table *table, const char *failure)
{
    pm_buffer_add_text(table->why, "its _Py_DebugOffsets ");
    pm_buffer_add_text(table->why, failure);
    return false;
}

static bool refuse_field(struct table *table, const char *name, const char *failure)
{
    refuse(table, "has ");
    pm_buffer_add_text(table->why, name);
    pm_buffer_add_text(table->why, failure);
    return false;
}

static bool check_head(struct table *table, u32 version)
{
    if (pm_compare((const char *)table->bytes, "xdebugpy", COOKIE_BYTES) != 0)
        return refuse(table, "does not begin with its cookie");
    if (pm_layout_u64(table->bytes, VERSION) != version)
        return refuse(table, "names another version");
    if (pm_layout_u64(table->bytes, FREE_THREADED) != 0)
        return refuse(table, "is that of a free-threaded build");
    return true;
}

/* The word of the table whose place is in struct pm_offsets_places at this offset. */
static u64 word_at(const struct table *table, u32 place)
{
    return pm_layout_u64(table->bytes, pm_layout_i32((const u8 *)table->places, (i32)place));
}

static bool check_field(struct table *table, const struct field *field)
{
    u64 offset = word_at(table, field->place), size = word_at(table, field->size_place);

    if (size > MAX_OBJECT_BYTES || offset > size || size - offset < field->width)
        return refuse_field(table, field->name, " outside its object");
    if (offset % field->width != 0)
        return refuse_field(table, field->name, " unaligned");
    for (const struct field *other = fields; other < field; other++) {
        u64 start = word_at(table, other->place);

        if (other->size_place == field->size_place
                && offset < start + other->width && start < offset + field->width)
            return refuse_field(table, field->name, " on top of another field");
    }
    return true;
}

static void put_number(struct pm_layout_numbers *numbers, const struct field *field, i32 value)
{
    pm_copy((u8 *)numbers + field->number, &value, sizeof value);
}

static i32 end_of(i32 offset, i32 bytes, i32 end)
{
    return offset + bytes > end ? offset + bytes : end;
}

/* Moves the fields that lie next to a field of the table, and sets how much of an object to read. */
static bool move_neighbours(struct table *table, const struct pm_layout_numbers *row,
                            struct pm_layout_numbers *own)
{
    i32 text = own->unicode_ascii_data - row->unicode_ascii_data;

    own->unicode_compact_data += text;
    own->unicode_legacy_data += text;
    own->code_first_traceable += own->code_instructions - row->code_instructions;
    if (own->code_first_traceable < 0)
        return refuse(table, "leaves no room before the instructions");
    own->frame_bytes = end_of(own->frame_back, 8, 0);
    own->frame_bytes = end_of(own->frame_code, 8, own->frame_bytes);
    own->frame_bytes = end_of(own->frame_position, 8, own->frame_bytes);
    own->frame_bytes = end_of(own->frame_owner, 1, own->frame_bytes);
    own->frame_bytes = (own->frame_bytes + 7) & ~7;
    own->code_bytes = end_of(own->code_first_line, 4, 0);
    own->code_bytes = end_of(own->code_filename, 8, own->code_bytes);
    own->code_bytes = end_of(own->code_name, 8, own->code_bytes);
    own->code_bytes = end_of(own->code_qualname, 8, own->code_bytes);
    own->code_bytes = end_of(own->code_lines, 8, own->code_bytes);
    own->code_bytes = end_of(own->code_first_traceable, 4, own->code_bytes);
    if (own->frame_bytes > PM_LAYOUT_FRAME_BYTES || own->code_bytes > PM_LAYOUT_CODE_BYTES)
        return refuse(table, "describes frames or code objects larger than any known");
    return true;
}

bool pm_debug_offsets_apply(struct pm_reader *reader, u64 runtime, u32 version,
                            const struct pm_layout *row, struct pm_layout *own,
                            struct pm_buffer *why)
{
    struct table table = { .places = &row->offsets, .why = why };

    if (!pm_reader_read(reader, runtime, table.bytes, (size_t)row->offsets.table_bytes))
        return refuse(&table, "cannot be read");
    if (!check_head(&table, version))
        return false;
    *own = *row;
    for (u32 i = 0; i < FIELDS; i++) {
        if (!check_field(&table, &fields[i]))
            return false;
        put_number(&own->at, &fields[i], (i32)word_at(&table, fields[i].place));
    }
    return move_neighbours(&table, &row->at, &own->at);
}
