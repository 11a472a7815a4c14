/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dwarf/pm_forms.h"

/* How a form is stored, apart from strings. */
enum storage {
    STORAGE_BYTES,      /* so many bytes as size says */
    STORAGE_OFFSET,     /* 4 or 8 bytes, depending on the unit */
    STORAGE_ADDRESS,
    STORAGE_ULEB,
    STORAGE_SLEB,
    STORAGE_BLOCK,      /* a length, of so many bytes as size says, and the block */
    STORAGE_BLOCK_ULEB, /* the same with the length in LEB128 */
    STORAGE_NONE,
    STORAGE_UNKNOWN,
};

struct shape {
    enum storage storage;
    u8 size;
};

static struct shape shape_of(u64 form, const struct pm_form_unit *unit)
{
    switch (form) {
    case PM_FORM_DATA1: case PM_FORM_FLAG: case PM_FORM_REF1: case PM_FORM_STRX1:
    case PM_FORM_ADDRX1:
        return (struct shape){ STORAGE_BYTES, 1 };
    case PM_FORM_DATA2: case PM_FORM_REF2: case PM_FORM_STRX2: case PM_FORM_ADDRX2:
        return (struct shape){ STORAGE_BYTES, 2 };
    case PM_FORM_STRX3: case PM_FORM_ADDRX3:
        return (struct shape){ STORAGE_BYTES, 3 };
    case PM_FORM_DATA4: case PM_FORM_REF4: case PM_FORM_REF_SUP4: case PM_FORM_STRX4:
    case PM_FORM_ADDRX4:
        return (struct shape){ STORAGE_BYTES, 4 };
    case PM_FORM_DATA8: case PM_FORM_REF8: case PM_FORM_REF_SIG8: case PM_FORM_REF_SUP8:
        return (struct shape){ STORAGE_BYTES, 8 };
    case PM_FORM_DATA16:
        return (struct shape){ STORAGE_BYTES, 16 };
    case PM_FORM_STRP: case PM_FORM_LINE_STRP: case PM_FORM_STRP_SUP: case PM_FORM_SEC_OFFSET:
    case PM_FORM_GNU_REF_ALT: case PM_FORM_GNU_STRP_ALT:
        return (struct shape){ STORAGE_OFFSET, 0 };
    case PM_FORM_REF_ADDR:      /* an offset since DWARF 3 */
        return (struct shape){ unit->version <= 2 ? STORAGE_ADDRESS : STORAGE_OFFSET, 0 };
    case PM_FORM_ADDR:
        return (struct shape){ STORAGE_ADDRESS, 0 };
    case PM_FORM_UDATA: case PM_FORM_REF_UDATA: case PM_FORM_STRX: case PM_FORM_ADDRX:
    case PM_FORM_LOCLISTX: case PM_FORM_RNGLISTX: case PM_FORM_GNU_ADDR_INDEX:
    case PM_FORM_GNU_STR_INDEX:
        return (struct shape){ STORAGE_ULEB, 0 };
    case PM_FORM_SDATA:
        return (struct shape){ STORAGE_SLEB, 0 };
    case PM_FORM_BLOCK1:
        return (struct shape){ STORAGE_BLOCK, 1 };
    case PM_FORM_BLOCK2:
        return (struct shape){ STORAGE_BLOCK, 2 };
    case PM_FORM_BLOCK4:
        return (struct shape){ STORAGE_BLOCK, 4 };
    case PM_FORM_BLOCK: case PM_FORM_EXPRLOC:
        return (struct shape){ STORAGE_BLOCK_ULEB, 0 };
    case PM_FORM_FLAG_PRESENT: case PM_FORM_IMPLICIT_CONST:
        return (struct shape){ STORAGE_NONE, 0 };
    default:
        return (struct shape){ STORAGE_UNKNOWN, 0 };
    }
}

static u64 read_number(struct pm_cursor *cursor, struct shape shape,
                       const struct pm_form_unit *unit)
{
    switch (shape.storage) {
    case STORAGE_BYTES:
        if (shape.size <= 8)
            return pm_cursor_uint(cursor, shape.size);
        pm_cursor_skip(cursor, shape.size);
        return 0;
    case STORAGE_OFFSET:
        return pm_cursor_uint(cursor, unit->is64 ? 8 : 4);
    case STORAGE_ADDRESS:
        if (unit->address_bytes <= 8)
            return pm_cursor_uint(cursor, unit->address_bytes);
        pm_cursor_fail(cursor);
        return 0;
    case STORAGE_ULEB:
        return pm_cursor_uleb(cursor);
    case STORAGE_SLEB:
        return (u64)pm_cursor_sleb(cursor);
    case STORAGE_BLOCK:
        pm_cursor_skip(cursor, pm_cursor_uint(cursor, shape.size));
        return 0;
    case STORAGE_BLOCK_ULEB:
        pm_cursor_skip(cursor, pm_cursor_uleb(cursor));
        return 0;
    case STORAGE_NONE:
        return 0;
    case STORAGE_UNKNOWN:
        break;
    }
    pm_cursor_fail(cursor);
    return 0;
}

static const char *text_at(const struct pm_debug_source *source, enum pm_debug_section section,
                           u64 offset)
{
    struct pm_cursor cursor = pm_cursor_at(pm_debug_section_of(source, section), offset);
    const char *text = pm_cursor_text(&cursor);

    return cursor.failed ? NULL : text;
}

struct pm_form_value pm_form_read(struct pm_cursor *cursor, u64 form,
                                  const struct pm_form_unit *unit,
                                  const struct pm_debug_source *source)
{
    struct pm_form_value value = { 0 };

    if (form == PM_FORM_INDIRECT) {
        form = pm_cursor_uleb(cursor);
        if (form == PM_FORM_INDIRECT)
            pm_cursor_fail(cursor);
    }
    if (form == PM_FORM_STRING) {
        value.text = pm_cursor_text(cursor);
        return value;
    }
    value.number = read_number(cursor, shape_of(form, unit), unit);
    if (cursor->failed)
        return (struct pm_form_value){ 0 };
    if (form == PM_FORM_STRP)
        value.text = text_at(source, PM_DEBUG_STR, value.number);
    else if (form == PM_FORM_LINE_STRP)
        value.text = text_at(source, PM_DEBUG_LINE_STR, value.number);
    else if (form == PM_FORM_GNU_STRP_ALT || form == PM_FORM_STRP_SUP)
        value.text = text_at(source, PM_DEBUG_STR_ALT, value.number);
    return value;
}
