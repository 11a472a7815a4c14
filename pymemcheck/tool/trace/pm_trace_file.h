/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the event log goes: a file (--trace-file=), or Valgrind's log.

   Bytes wait in a buffer until it is full or flush is called. Only whole lines are given to the file, so
   what a killed process leaves can be read. Lines for Valgrind's log do not wait: they stand between its
   other messages.

   The file's descriptor is among those that the core keeps for itself, where the program neither sees nor
   closes it. The first write that fails ends it all, with one message.

   Order of calls: init once; open, then put lines into buffer and call settle after each; close. After
   close, open again. */
#ifndef PM_TRACE_FILE_H
#define PM_TRACE_FILE_H

#include "base/pm_buffer.h"
#include "base/pm_types.h"

struct pm_trace_file {
    struct pm_buffer buffer;    /* whole lines, for the caller to add to */
    char *name;                 /* expanded; VG_(malloc). NULL: Valgrind's log */
    int fd;                     /* -1: not open */
    u64 given_bytes;            /* to the file, since it was opened anew */
    bool failed;                /* it takes no more */
};

void pm_trace_file_init(struct pm_trace_file *file);

/* Opens the file of that name, which the file owns from now on; NULL: Valgrind's log. append: what is in it
   stays. False, after one message, if that is not possible. */
bool pm_trace_file_open(struct pm_trace_file *file, char *name, bool append);

/* To be called when lines were added: writes them if enough wait. */
void pm_trace_file_settle(struct pm_trace_file *file);
/* Writes what waits. */
void pm_trace_file_flush(struct pm_trace_file *file);

/* Writes what waits, and closes the file. */
void pm_trace_file_close(struct pm_trace_file *file);
/* Closes the file in a fork child: what waits is the parent's. */
void pm_trace_file_drop(struct pm_trace_file *file);

#endif
