/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The thread states that _PyRuntime links: whether one raises an exception, and the unused part of the
   memory in which 3.11 and later keep frames. */
#ifndef PM_THREADS_H
#define PM_THREADS_H

#include "base/pm_reader.h"
#include "base/pm_types.h"
#include "cpython/pm_interpreter.h"

/* Client memory from start up to, but without, end. */
struct pm_dead_data {
    u64 start, end;
};

/* Each thread has a stack of chunks that hold its frames (struct _PyStackChunk, Include/cpython/pystate.h,
   3.11 to 3.15). Memory above the top of a chunk holds what returned frames left. Writes at most
   capacity such parts and returns how many: none if the version has no chunks, if
   _PyRuntime is not known, or if a chunk makes no sense. */
u32 pm_threads_dead_data(const struct pm_interpreter *interpreter, struct pm_reader *reader,
                         struct pm_dead_data *parts, u32 capacity);

/* The same for all that chunks hold, dead or not. */
u32 pm_threads_data(const struct pm_interpreter *interpreter, struct pm_reader *reader, struct pm_dead_data *parts, u32 capacity);

/* Whether an exception propagates in thread (the address of its PyThreadState). False if that cannot
   be read. */
bool pm_threads_is_raising(const struct pm_interpreter *interpreter, struct pm_reader *reader,
                           u64 thread);

#endif
