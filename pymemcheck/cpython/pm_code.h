/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names and lines of code objects. */
#ifndef PM_CODE_H
#define PM_CODE_H

#include "base/pm_buffer.h"
#include "base/pm_reader.h"
#include "base/pm_types.h"
#include "cpython/pm_interpreter.h"

struct pm_code_location {
    struct pm_buffer file;          /* co_filename as UTF-8 (surrogates as three bytes) */
    struct pm_buffer function;      /* qualified name (3.11+), else co_name */
    u32 line;                       /* 0 where the line table has none */
};

void pm_code_location_init(struct pm_code_location *location);
void pm_code_location_release(struct pm_code_location *location);

/* Fills location for the instruction at position (from pm_raw_frame) of the
   code object at code. Names longer than 4096 bytes are cut. False, with
   whatever could be read, when a part could not. */
bool pm_code_resolve(const struct pm_interpreter *interpreter, struct pm_reader *reader, u64 code,
                     u64 position, struct pm_code_location *location);

/* A number that almost surely differs between two code objects that were at
   the same address at different times: a hash of its pointers to name, file
   and line table and of its first line. 0 when it cannot be read. */
u64 pm_code_fingerprint(const struct pm_interpreter *interpreter, struct pm_reader *reader,
                        u64 code);

#endif
