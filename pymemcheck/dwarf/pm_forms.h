/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How attributes are stored: DW_FORM_... (DWARF 5, 7.5.6; DWARF 4, 7.5.4; those of GNU from
   https://sourceware.org/elfutils/DwarfExtensions). */
#ifndef PM_FORMS_H
#define PM_FORMS_H

#include "dwarf/pm_cursor.h"
#include "dwarf/pm_debug_source.h"

enum pm_form {
    PM_FORM_ADDR = 0x01,
    PM_FORM_BLOCK2 = 0x03,
    PM_FORM_BLOCK4 = 0x04,
    PM_FORM_DATA2 = 0x05,
    PM_FORM_DATA4 = 0x06,
    PM_FORM_DATA8 = 0x07,
    PM_FORM_STRING = 0x08,
    PM_FORM_BLOCK = 0x09,
    PM_FORM_BLOCK1 = 0x0a,
    PM_FORM_DATA1 = 0x0b,
    PM_FORM_FLAG = 0x0c,
    PM_FORM_SDATA = 0x0d,
    PM_FORM_STRP = 0x0e,
    PM_FORM_UDATA = 0x0f,
    PM_FORM_REF_ADDR = 0x10,
    PM_FORM_REF1 = 0x11,
    PM_FORM_REF2 = 0x12,
    PM_FORM_REF4 = 0x13,
    PM_FORM_REF8 = 0x14,
    PM_FORM_REF_UDATA = 0x15,
    PM_FORM_INDIRECT = 0x16,
    PM_FORM_SEC_OFFSET = 0x17,
    PM_FORM_EXPRLOC = 0x18,
    PM_FORM_FLAG_PRESENT = 0x19,
    PM_FORM_STRX = 0x1a,
    PM_FORM_ADDRX = 0x1b,
    PM_FORM_REF_SUP4 = 0x1c,
    PM_FORM_STRP_SUP = 0x1d,
    PM_FORM_DATA16 = 0x1e,
    PM_FORM_LINE_STRP = 0x1f,
    PM_FORM_REF_SIG8 = 0x20,
    PM_FORM_IMPLICIT_CONST = 0x21,
    PM_FORM_LOCLISTX = 0x22,
    PM_FORM_RNGLISTX = 0x23,
    PM_FORM_REF_SUP8 = 0x24,
    PM_FORM_STRX1 = 0x25,
    PM_FORM_STRX2 = 0x26,
    PM_FORM_STRX3 = 0x27,
    PM_FORM_STRX4 = 0x28,
    PM_FORM_ADDRX1 = 0x29,
    PM_FORM_ADDRX2 = 0x2a,
    PM_FORM_ADDRX3 = 0x2b,
    PM_FORM_ADDRX4 = 0x2c,
    PM_FORM_GNU_ADDR_INDEX = 0x1f01,
    PM_FORM_GNU_STR_INDEX = 0x1f02,
    PM_FORM_GNU_REF_ALT = 0x1f20,
    PM_FORM_GNU_STRP_ALT = 0x1f21,
};

/* The unit that contains a value. */
struct pm_form_unit {
    u8 version;
    u8 address_bytes;
    bool is64;
};

/* A value that was read. Forms that refer to a string by its index give none. */
struct pm_form_value {
    u64 number;         /* 0 if it is not a number, or is wider than 64 bits */
    const char *text;   /* NULL if it is not a string */
};

/* Reads one value. An unknown form fails the cursor. Strings point into the source's sections.
   DW_FORM_implicit_const has its value elsewhere, and nothing is read for it. */
struct pm_form_value pm_form_read(struct pm_cursor *cursor, u64 form,
                                  const struct pm_form_unit *unit,
                                  const struct pm_debug_source *source);

#endif
