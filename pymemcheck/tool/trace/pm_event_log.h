/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The event log (--trace=, docs/event-log.md): each allocation and free as it happens, with its Python
   line. A listener on heap/pm_events.h, and what other rooms tell it: calls of CPython's allocator
   domains (pm_domain_calls.h) and of Python functions (pm_python_calls.h). It decides what is in the log;
   a format of report/pm_trace_format.h writes it; pm_trace_file.h keeps it.

   A fork child writes a file of its own from its first event on; none if the name has no %p.

   Order of calls: init once, after the command line was read. The others are for tool/pm_main.c,
   pm_process.c and pm_report.c. Without --trace= nothing listens, and the functions return at once. */
#ifndef PM_EVENT_LOG_H
#define PM_EVENT_LOG_H

#include "base/pm_map.h"
#include "base/pm_types.h"
#include "heap/pm_events.h"
#include "report/pm_trace_format.h"
#include "tool/trace/pm_trace_file.h"

struct pm_run;

struct pm_event_log {
    struct pm_run *run;                     /* NULL: there is no event log */
    const struct pm_trace_format *format;
    void *writer;                           /* of format; NULL: not begun in this process */
    struct pm_trace_file file;
    bool on;                                /* switched on */
    bool stopped;                           /* nothing is written any more in this process */
    bool filtered;                          /* some events are left out */
    bool closed_for_exec;                   /* an execve is under way */
    /* Which live blocks are in the log: all but these or, if knows_few, these only. A set of addresses; bit
       63 tells blocks of the program's own allocators, which may lie in malloc's. */
    struct pm_map exceptions;
    bool knows_few;
    struct pm_map moved;                    /* with wants_births: reused blocks -> the site that made them */
    u8 *accepted;                           /* by stack: enum acceptance */
    u32 accepted_capacity;
    u32 until_tick;                         /* events until the clock is looked at */
    u64 start_ms, ticked_ms;
    void (*before_record)(u32 tid);         /* to be called before a line of the thread; NULL: nobody */
    u64 events;                             /* written by this process */
};

/* Begins the log, if there is to be one. Ends the program if the name of --trace-file= cannot be
   expanded. */
void pm_event_log_init(struct pm_run *run);

/* Switches the log on or off, as --trace-start= does at the beginning; for client requests and monitor
   commands. False: there is no log to switch. */
bool pm_trace_switch(bool on);

/* Whether calls of functions are to be told now. */
static inline bool pm_event_log_is_on(const struct pm_event_log *log)
{
    return log->on && !log->stopped;
}

/* A call of a function of CPython's allocator domains, by the core's thread tid. Fills in record->thread. */
void pm_event_log_domain_call(struct pm_event_log *log, u32 tid, struct pm_trace_record *record);

/* A Python function was called or returned: fills in the thread. */
void pm_event_log_python_call(struct pm_event_log *log, u32 tid, struct pm_trace_call *call);

/* The process ends, or executes another program: the last lines. profile is for the sums. */
void pm_event_log_end(struct pm_run *run, const struct pm_profile *profile);

/* Before a fork, and in its child. */
void pm_event_log_forks(struct pm_event_log *log);
void pm_event_log_forked(struct pm_event_log *log);

/* Before an execve that can be expected to succeed, and after it failed. */
void pm_event_log_before_exec(struct pm_event_log *log);
void pm_event_log_exec_failed(struct pm_event_log *log);

#endif
