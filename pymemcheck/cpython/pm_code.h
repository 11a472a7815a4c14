/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names and lines of code objects. */
#ifndef PM_CODE_H
#define PM_CODE_H

#include "base/pm_buffer.h"
#include "base/pm_reader.h"
#include "base/pm_types.h"
#include "cpython/pm_interpreter.h"
#include "cpython/pm_linetable.h"

/* The fields of a code object that we use. */
struct pm_code_view {
    u64 filename, name, qualname, lines;    /* addresses of objects; before 3.11 qualname is name */
    i32 first_line;
};

struct pm_code_location {
    struct pm_buffer file;          /* co_filename as UTF-8 (surrogates as three bytes) */
    struct pm_buffer function;      /* qualified name (3.11+), else co_name */
    u32 line;                       /* 0 where the line table has none */
    struct pm_buffer table;         /* a copy of the line table */
    bool has_table;                 /* the line table could be read */
    struct pm_code_view view;
    struct pm_linetable_cursor cursor;
};

void pm_code_location_init(struct pm_code_location *location);
void pm_code_location_release(struct pm_code_location *location);

/* Fills location, except for the line, from the code object at code. Names longer than 4096 bytes are
   cut. False if a part cannot be read; location then has the parts that can. */
bool pm_code_open(const struct pm_interpreter *interpreter, struct pm_reader *reader, u64 code,
                  struct pm_code_location *location);

/* Whether the code object at code still refers to the objects that it had when location was opened. */
bool pm_code_is_open(const struct pm_interpreter *interpreter, struct pm_reader *reader, u64 code,
                     const struct pm_code_location *location);

/* Fills the line of the instruction at position (from pm_raw_frame) of the code object that location was
   last opened for. Cheapest if positions rise from call to call. False if the line table is damaged. */
bool pm_code_seek(const struct pm_interpreter *interpreter, u64 code, u64 position,
                  struct pm_code_location *location);

/* pm_code_open, then pm_code_seek. */
bool pm_code_resolve(const struct pm_interpreter *interpreter, struct pm_reader *reader, u64 code,
                     u64 position, struct pm_code_location *location);

#endif
