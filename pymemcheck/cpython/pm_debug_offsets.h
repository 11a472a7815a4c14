/* SPDX-License-Identifier: GPL-2.0-or-later */
/* _Py_DebugOffsets: the interpreter's own description of its layout, from 3.13 on
   (Include/internal/pycore_runtime.h, 3.14 on pycore_debug_offsets.h). It lies at the start of
   _PyRuntime, is constant, and exists before the interpreter starts. It has a cookie, the version as
   PY_VERSION_HEX, whether the build is free-threaded, then offsets and sizes in bytes, each a
   64-bit word. Each minor version arranges the words differently: their places are data of the
   layout row, generated like its numbers. */
#ifndef PM_DEBUG_OFFSETS_H
#define PM_DEBUG_OFFSETS_H

#include "base/pm_buffer.h"
#include "base/pm_reader.h"
#include "base/pm_types.h"

/* Every word that we use: the layout number that it replaces, its section and name in
   the table, and how many bytes of the object we read at that offset. */
#define PM_OFFSETS_FIELDS(FIELD) \
    FIELD(thread_frame, thread_state, current_frame, 8) \
    FIELD(frame_back, interpreter_frame, previous, 8) \
    FIELD(frame_code, interpreter_frame, executable, 8) \
    FIELD(frame_position, interpreter_frame, instr_ptr, 8) \
    FIELD(frame_owner, interpreter_frame, owner, 1) \
    FIELD(code_first_line, code_object, firstlineno, 4) \
    FIELD(code_filename, code_object, filename, 8) \
    FIELD(code_name, code_object, name, 8) \
    FIELD(code_qualname, code_object, qualname, 8) \
    FIELD(code_lines, code_object, linetable, 8) \
    FIELD(code_instructions, code_object, co_code_adaptive, 2) \
    FIELD(object_type, pyobject, ob_type, 8) \
    FIELD(bytes_length, bytes_object, ob_size, 8) \
    FIELD(bytes_data, bytes_object, ob_sval, 1) \
    FIELD(unicode_length, unicode_object, length, 8) \
    FIELD(unicode_state, unicode_object, state, 4) \
    FIELD(unicode_ascii_data, unicode_object, asciiobject_size, 1)

/* Each section begins with the size of the object that it describes. */
#define PM_OFFSETS_SECTIONS(SECTION) \
    SECTION(thread_state) \
    SECTION(interpreter_frame) \
    SECTION(code_object) \
    SECTION(pyobject) \
    SECTION(bytes_object) \
    SECTION(unicode_object)

/* Where the words are, in bytes from the start of the table. */
struct pm_offsets_places {
#define PM_OFFSETS_DECLARE_PLACE(number, section, member, width) i32 section##_##member;
    PM_OFFSETS_FIELDS(PM_OFFSETS_DECLARE_PLACE)
#undef PM_OFFSETS_DECLARE_PLACE
#define PM_OFFSETS_DECLARE_SIZE(section) i32 section##_size;
    PM_OFFSETS_SECTIONS(PM_OFFSETS_DECLARE_SIZE)
#undef PM_OFFSETS_DECLARE_SIZE
    i32 table_bytes;        /* 0: this version has no such table */
};

/* Upper bound of table_bytes in any row. */
enum { PM_OFFSETS_TABLE_BYTES = 1024 };

struct pm_layout;

/* Copies row to own and corrects it by the table at runtime (a client address). The table must
   begin with the cookie and name exactly version (as PY_VERSION_HEX). Each offset must be
   aligned, lie inside its object, and overlap no other offset of the object. What the table does not
   have (kinds, bits, sizes of headers) stays as in the row; offsets next to a field of the
   table move with that field. False: a check failed, why has gained a few words that name it, and own is
   unspecified. */
bool pm_debug_offsets_apply(struct pm_reader *reader, u64 runtime, u32 version,
                            const struct pm_layout *row, struct pm_layout *own,
                            struct pm_buffer *why);

#endif
