/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names and lines of code objects. */
#ifndef PM_CODE_H
#define PM_CODE_H

#include "base/pm_buffer.h"
#include "base/pm_reader.h"
#include "base/pm_types.h"
#include "cpython/pm_interpreter.h"
#include "cpython/pm_linetable.h"

/* What a code object says of itself. */
struct pm_code_view {
    u64 filename, name, qualname, lines;    /* objects; before 3.11 qualname is the name */
    i32 first_line;
};

struct pm_code_location {
    struct pm_buffer file;          /* co_filename as UTF-8 (surrogates as three bytes) */
    struct pm_buffer function;      /* qualified name (3.11+), else co_name */
    u32 line;                       /* 0 where the line table has none */
    struct pm_buffer table;         /* a copy of the line table */
    bool has_table;                 /* it could be read */
    struct pm_code_view view;
    struct pm_linetable_cursor cursor;
};

void pm_code_location_init(struct pm_code_location *location);
void pm_code_location_release(struct pm_code_location *location);

/* Fills location but for the line, for the code object at code. Names longer than 4096 bytes are
   cut. False, with whatever could be read, when a part could not. */
bool pm_code_open(const struct pm_interpreter *interpreter, struct pm_reader *reader, u64 code,
                  struct pm_code_location *location);

/* Whether the code object at code refers to the same objects as the one for which location was opened. */
bool pm_code_is_open(const struct pm_interpreter *interpreter, struct pm_reader *reader, u64 code,
                     const struct pm_code_location *location);

/* Fills the line for the instruction at position (from pm_raw_frame) of the code object for which
   location was opened last. Cheapest if positions go up from call to call. False if the line table does not
   tell. */
bool pm_code_seek(const struct pm_interpreter *interpreter, u64 code, u64 position,
                  struct pm_code_location *location);

/* Both. */
bool pm_code_resolve(const struct pm_interpreter *interpreter, struct pm_reader *reader, u64 code,
                     u64 position, struct pm_code_location *location);

#endif
