/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The formats of the event log (--trace=, docs/event-log.md): each writes events as they happen.

   Order of calls: open; begin; then record, function and tick in any order; end or stop; close. What a
   format writes goes to the buffer it was opened with, whole lines only: the owner of the buffer empties
   it, between calls. So any prefix of the log that ends with a line can be read.

   Cost: a record costs one call and a few additions to the buffer. Names are formatted once for each
   stack. */
#ifndef PM_TRACE_FORMAT_H
#define PM_TRACE_FORMAT_H

#include "base/pm_buffer.h"
#include "base/pm_types.h"
#include "heap/pm_events.h"
#include "heap/pm_profile.h"
#include "heap/pm_stacks.h"
#include "heap/pm_tables.h"
#include "report/pm_text.h"

/* What the text form begins its own lines with. */
#define PM_TRACE_MARK "pymemcheck:::"

struct pm_trace_options {
    struct pm_tables tables;        /* borrowed; they grow while the log is written */
    bool full_paths;                /* --python-paths=full */
};

/* The process whose log begins. All is borrowed, during the call. */
struct pm_trace_process {
    u64 pid;
    const char *const *command;     /* of the program */
    size_t command_length;
    u64 page_bytes, pages;          /* of the machine's memory */
    bool forked;                    /* it inherited blocks of which the log does not tell */
};

/* Which function made an event: one of malloc's family (an event of heap/pm_events.h), or of one of
   CPython's allocator domains. */
enum pm_trace_operation {
    PM_TRACE_EVENT,
    PM_TRACE_MALLOC,        /* arguments: bytes */
    PM_TRACE_CALLOC,        /* count, bytes of each */
    PM_TRACE_REALLOC,       /* address, bytes */
    PM_TRACE_FREE,          /* address */
};

struct pm_trace_record {
    enum pm_trace_operation operation;
    const struct pm_event *event;   /* PM_TRACE_EVENT; else NULL */
    const char *function;           /* of a domain, such as _PyObject_Malloc; else NULL */
    u64 arguments[2];               /* of that function */
    u64 result;                     /* what it returned; not of PM_TRACE_FREE */
    struct pm_stack_id stack;       /* who called */
    u32 thread;                     /* its number in the order in which threads began, from 1; 0: there was
                                       only one so far */
    bool known;                     /* the freed or resized block is in the log */
    struct pm_stack_id made_by;     /* and this stack made it; with wants_births only */
    bool wanted;                    /* the new block is to be in the log */
};

/* A Python function is called, or resumed; or it returns, yields, or is left by an exception. */
struct pm_trace_call {
    bool returns;
    u32 depth;                      /* 0: the outermost function of its thread */
    u32 thread;                     /* as in struct pm_trace_record */
    struct pm_frame_id frame;       /* with the line that runs */
};

struct pm_trace_format {
    const char *name;
    bool writes_calls;              /* function may be called */
    bool writes_domains;            /* records of domains may come */
    bool wants_stacks_of_frees;     /* record needs the stack of a free */
    bool wants_lines;               /* native frames of records need their source lines, if they have any */
    bool wants_births;              /* record needs made_by; frees of what is not in the log do not come */
    void *(*open)(const struct pm_trace_options *options, struct pm_buffer *out);
    void (*close)(void *writer);
    void (*begin)(void *writer, const struct pm_trace_process *process);
    void (*record)(void *writer, const struct pm_trace_record *record);
    void (*function)(void *writer, const struct pm_trace_call *call);
    /* Time passed: milliseconds since begin, and resident pages, 0 if not known. */
    void (*tick)(void *writer, u64 ms, u64 resident_pages);
    /* The log was switched on or off by the program. */
    void (*switched)(void *writer, bool on);
    /* The process ends or executes another program. profile: for sums, NULL if there are none. */
    void (*end)(void *writer, const struct pm_profile *profile, const struct pm_text_options *text);
    /* The log ends early; note says why, in one line without its end. */
    void (*stop)(void *writer, const char *note);
};

extern const struct pm_trace_format pm_trace_text_format, pm_trace_heaptrack_format;

#endif
