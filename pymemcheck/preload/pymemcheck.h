/* SPDX-License-Identifier: bzip2-1.0.6 */
/* Notice that the following BSD-style license, which is that of valgrind.h, applies to this one file
   (pymemcheck.h) only. The rest of pymemcheck is licensed under the terms of the GNU General Public
   License, version 2 or later.

   Copyright (C) 2026 the pymemcheck authors. All rights reserved.

   Redistribution and use in source and binary forms, with or without modification, are permitted
   provided that the following conditions are met:

   1. Redistributions of source code must retain the above copyright notice, this list of conditions
      and the following disclaimer.

   2. The origin of this software must not be misrepresented; you must not claim that you wrote the
      original software. If you use this software in a product, an acknowledgment in the product
      documentation would be appreciated but is not required.

   3. Altered source versions must be plainly marked as such, and must not be misrepresented as being
      the original software.

   4. The name of the author may not be used to endorse or promote products derived from this software
      without specific prior written permission.

   THIS SOFTWARE IS PROVIDED BY THE AUTHOR ``AS IS'' AND ANY EXPRESS OR IMPLIED WARRANTIES, INCLUDING,
   BUT NOT LIMITED TO, THE IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS FOR A PARTICULAR PURPOSE ARE
   DISCLAIMED. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY DIRECT, INDIRECT, INCIDENTAL, SPECIAL,
   EXEMPLARY, OR CONSEQUENTIAL DAMAGES (INCLUDING, BUT NOT LIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS OR
   SERVICES; LOSS OF USE, DATA, OR PROFITS; OR BUSINESS INTERRUPTION) HOWEVER CAUSED AND ON ANY THEORY OF
   LIABILITY, WHETHER IN CONTRACT, STRICT LIABILITY, OR TORT (INCLUDING NEGLIGENCE OR OTHERWISE) ARISING
   IN ANY WAY OUT OF THE USE OF THIS SOFTWARE, EVEN IF ADVISED OF THE POSSIBILITY OF SUCH DAMAGE. */

/* Requests of a program to pymemcheck, a Valgrind tool. This file is for inclusion into your code. Each
   macro is a few instructions that do nothing and yield 0 when the program does not run under Valgrind,
   or runs under another tool. docs/client-requests.md of pymemcheck describes them all.

   A request that was carried out answers a number above 0; one that was not, one of enum
   pymemcheck_answer. Requests may be made by any thread, with or without Python, in signal handlers, in
   fork children and after the interpreter's end. The program stands still meanwhile.

   Numbers and members keep their meaning for ever; new ones come at the end. A program that was
   compiled with an older version of this file goes on working with a newer tool, and the other way
   round: what a tool does not know answers PYMEMCHECK_NOT_SUPPORTED. */
#ifndef PYMEMCHECK_H
#define PYMEMCHECK_H

#if defined(__has_include)
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#include "valgrind.h"
#endif
#else
#include "valgrind.h"
#endif

/* Version of these requests. Raised when requests or members are added. */
#define PYMEMCHECK_PROTOCOL 2

/* Numbers of requests: of VALGRIND_DO_CLIENT_REQUEST_EXPR, less PYMEMCHECK_REQUEST_BASE. */
#define PYMEMCHECK_REQUEST_BASE VG_USERREQ_TOOL_BASE('P', 'Y')

enum pymemcheck_number {
    PYMEMCHECK_NUMBER_VERSION = 0,
    PYMEMCHECK_NUMBER_COUNTERS = 1,
    PYMEMCHECK_NUMBER_RESET_PEAK = 2,
    PYMEMCHECK_NUMBER_SNAPSHOT = 3,
    PYMEMCHECK_NUMBER_PHASE_BEGIN = 4,
    PYMEMCHECK_NUMBER_PHASE_END = 5,
    PYMEMCHECK_NUMBER_MARK = 6,
    PYMEMCHECK_NUMBER_LEAK_SEARCH = 7,
    PYMEMCHECK_NUMBER_BLOCK_INFO = 8,
    PYMEMCHECK_NUMBER_WHO_POINTS_AT = 9,
    PYMEMCHECK_NUMBER_RECORDING = 10,
    PYMEMCHECK_NUMBER_EVENT_LOG = 11,
    PYMEMCHECK_NUMBER_WRITE_PROFILE = 12,
    PYMEMCHECK_NUMBER_WATCH = 13        /* from version 2 on */
};

enum pymemcheck_answer {
    PYMEMCHECK_OUTSIDE = 0,         /* the program does not run under pymemcheck */
    PYMEMCHECK_BAD_ARGUMENT = -1,   /* memory that cannot be read or written, an unbalanced end ... */
    PYMEMCHECK_NOT_SUPPORTED = -2,  /* by this tool, or not now */
    PYMEMCHECK_SEARCHING = -3,      /* a leak search is under way */
    PYMEMCHECK_NO_BLOCK = -4,       /* the address is in no live block */
    PYMEMCHECK_FAILED = -5          /* a file could not be written; the log says why */
};

/* What PYMEMCHECK_COUNTERS tells. Sizes in bytes, as the HEAP SUMMARY counts them: what malloc was asked
   for, with the padding of CPython's debug hooks. */
struct pymemcheck_counters {
    unsigned long long live_bytes, live_blocks;
    unsigned long long peak_bytes, peak_blocks;     /* since PYMEMCHECK_RESET_PEAK, or the start */
    unsigned long long total_bytes;                 /* allocated so far */
    unsigned long long allocs, frees;
    unsigned long long tool_bytes;                  /* that Valgrind and the tool mapped for themselves */
};

/* Kinds of loss records, places in struct pymemcheck_search. docs/leaks.md describes them. */
enum pymemcheck_kind {
    PYMEMCHECK_DEFINITE = 0,
    PYMEMCHECK_CYCLE = 1,
    PYMEMCHECK_SURPLUS = 2,
    PYMEMCHECK_DEFICIT = 3,
    PYMEMCHECK_POSSIBLE = 4,
    PYMEMCHECK_INDIRECT = 5,
    PYMEMCHECK_INTERPRETER = 6,
    PYMEMCHECK_REACHABLE = 7,
    PYMEMCHECK_SUPPRESSED = 8,      /* of any kind, matched by a suppression */
    PYMEMCHECK_LEFT_OUT = 9,        /* of any kind, left out by --only-object= or --only-file= */
    PYMEMCHECK_KINDS = 10
};

struct pymemcheck_sum {
    unsigned long long bytes, blocks;
};

enum pymemcheck_search_flag {
    /* Only blocks that were allocated after the last search by this request. */
    PYMEMCHECK_SEARCH_SINCE_LAST = 1 << 0,
    /* Nothing goes to the log, and no record is an error. */
    PYMEMCHECK_SEARCH_SILENT = 1 << 1,
    /* Blocks that are still reachable get records, too. */
    PYMEMCHECK_SEARCH_REACHABLE = 1 << 2,
    /* No new search: tells the result of the last one again, for a buffer that was too small. */
    PYMEMCHECK_SEARCH_REPEAT = 1 << 3,
    /* The program ran the collector (gc.collect()) just now: garbage cycles that are still there are leaks. */
    PYMEMCHECK_SEARCH_COLLECTED = 1 << 4
};

/* Set size, and set to 0 what you do not need. */
struct pymemcheck_search {
    /* In. */
    unsigned long long size;        /* sizeof(struct pymemcheck_search) */
    unsigned long long flags;       /* enum pymemcheck_search_flag */
    unsigned long long since;       /* a mark: only blocks that were allocated after it; 0: all */
    char *buffer;                   /* for the records, as JSON with a NUL at its end; may be NULL */
    unsigned long long buffer_size;
    /* Out. */
    unsigned long long needed;      /* bytes of the JSON text, with the NUL. Nothing is written to buffer
                                       if buffer_size is less */
    unsigned long long records;     /* how many loss records there are */
    unsigned long long mark;        /* of this search: a later one may ask for what comes after it */
    struct pymemcheck_sum kinds[PYMEMCHECK_KINDS];
};

#define PYMEMCHECK_REQUEST(number, a, b, c, d) \
    ((long)VALGRIND_DO_CLIENT_REQUEST_EXPR(0, PYMEMCHECK_REQUEST_BASE + (number), (a), (b), (c), (d), 0))

/* The tool's PYMEMCHECK_PROTOCOL; 0 outside. */
#define PYMEMCHECK_VERSION() PYMEMCHECK_REQUEST(PYMEMCHECK_NUMBER_VERSION, 0, 0, 0, 0)

/* Fills in those members of *counters that are within its first size bytes and that the tool knows.
   Answers how many bytes were filled. */
#define PYMEMCHECK_COUNTERS(counters, size) \
    PYMEMCHECK_REQUEST(PYMEMCHECK_NUMBER_COUNTERS, (counters), (size), 0, 0)

/* The peak is what is live now, until more is. The report at the end tells the peak since then. */
#define PYMEMCHECK_RESET_PEAK() PYMEMCHECK_REQUEST(PYMEMCHECK_NUMBER_RESET_PEAK, 0, 0, 0, 0)

/* Keeps what is live now, under a name (a text with a NUL). */
#define PYMEMCHECK_SNAPSHOT(name) PYMEMCHECK_REQUEST(PYMEMCHECK_NUMBER_SNAPSHOT, (name), 0, 0, 0)

/* Begin and end a phase of the run. Phases may be in each other; a thread ends its own, the innermost
   first. What all threads allocate meanwhile counts. */
#define PYMEMCHECK_PHASE_BEGIN(name) PYMEMCHECK_REQUEST(PYMEMCHECK_NUMBER_PHASE_BEGIN, (name), 0, 0, 0)
#define PYMEMCHECK_PHASE_END(name) PYMEMCHECK_REQUEST(PYMEMCHECK_NUMBER_PHASE_END, (name), 0, 0, 0)

/* The number of the newest allocation, above 0. Later allocations have higher numbers. */
#define PYMEMCHECK_MARK() PYMEMCHECK_REQUEST(PYMEMCHECK_NUMBER_MARK, 0, 0, 0, 0)

/* Searches for leaks now, and fills in *search (struct pymemcheck_search). */
#define PYMEMCHECK_LEAK_SEARCH(search) \
    PYMEMCHECK_REQUEST(PYMEMCHECK_NUMBER_LEAK_SEARCH, (search), 0, 0, 0)

/* Describe the live block that address is in, and what points at an address, as JSON with a NUL at its
   end. Answer how many bytes that takes; nothing is written to buffer if size is less. */
#define PYMEMCHECK_BLOCK_INFO(address, buffer, size) \
    PYMEMCHECK_REQUEST(PYMEMCHECK_NUMBER_BLOCK_INFO, (address), (buffer), (size), 0)
#define PYMEMCHECK_WHO_POINTS_AT(address, buffer, size) \
    PYMEMCHECK_REQUEST(PYMEMCHECK_NUMBER_WHO_POINTS_AT, (address), (buffer), (size), 0)

/* 0: what this thread allocates from now on is not recorded; it still counts. 1: it is recorded again.
   May be nested. */
#define PYMEMCHECK_RECORDING(on) PYMEMCHECK_REQUEST(PYMEMCHECK_NUMBER_RECORDING, (on), 0, 0, 0)

/* 0 stops the event log, 1 lets it go on. */
#define PYMEMCHECK_EVENT_LOG(on) PYMEMCHECK_REQUEST(PYMEMCHECK_NUMBER_EVENT_LOG, (on), 0, 0, 0)

/* Writes the profile of the run so far to a file. NULL: the name of --pymemcheck-out-file= with a
   number behind it. */
#define PYMEMCHECK_WRITE_PROFILE(path) \
    PYMEMCHECK_REQUEST(PYMEMCHECK_NUMBER_WRITE_PROFILE, (path), 0, 0, 0)

/* From now on each change of the reference count of a Python object is counted, with the stack that made it, and the
   report shows the balance: docs/watch-refs.md. Needs the option --watch-refs=asked, or another value of it. */
#define PYMEMCHECK_WATCH(object) PYMEMCHECK_REQUEST(PYMEMCHECK_NUMBER_WATCH, (object), 0, 0, 0)

#endif
