/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All thread states of an interpreter, as _PyRuntime links them, and the dead
   part of the memory in which 3.11 and later keep frames. */
#ifndef PM_THREADS_H
#define PM_THREADS_H

#include "base/pm_reader.h"
#include "base/pm_types.h"
#include "cpython/pm_interpreter.h"

/* Client memory from start up to, but without, end. */
struct pm_dead_data {
    u64 start, end;
};

/* Frames lie in chunks, a stack of them for each thread (struct _PyStackChunk,
   Include/cpython/pystate.h, 3.11 to 3.15). What is above the top of a chunk is what
   returned frames left. Writes at most capacity such parts and returns how many.
   None where the version has no chunks, _PyRuntime is not known, or what is there
   does not look like a chunk. */
u32 pm_threads_dead_data(const struct pm_interpreter *interpreter, struct pm_reader *reader,
                         struct pm_dead_data *parts, u32 capacity);

/* Whether an exception is raised and not yet handled in the thread (address of its
   PyThreadState). False if that cannot be read. */
bool pm_threads_is_raising(const struct pm_interpreter *interpreter, struct pm_reader *reader,
                           u64 thread);

#endif
