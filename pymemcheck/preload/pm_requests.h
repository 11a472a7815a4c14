/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the part of us inside the program talks to the tool: client requests, their arguments, and the
   slot of each thread. */
#ifndef PM_REQUESTS_H
#define PM_REQUESTS_H

#include "base/pm_types.h"

/* As VG_USERREQ_TOOL_BASE('P','M'). */
#define PM_REQUEST_BASE 0x504d0000u

enum pm_request {
    /* arg1: address of the calling thread's struct pm_slot. Made when a thread first evaluates
       Python code. When the thread ends, the tool stores PM_SLOT_FREE into owner. */
    PM_REQUEST_SLOT = PM_REQUEST_BASE + 0,
    /* Answers 1 if small objects are to be made visible by sending them to
       malloc (--pymalloc=no), 0 if the program's allocator stays as it is. */
    PM_REQUEST_SHOW_OBJECTS = PM_REQUEST_BASE + 1,
    /* arg1: address of a struct pm_hello. Made once: when CPython starts or, if we did not see
       that, before the first PM_REQUEST_SLOT. */
    PM_REQUEST_HELLO = PM_REQUEST_BASE + 2,
    /* Small objects may stay hidden: development mode was asked for without the environment. */
    PM_REQUEST_MAY_HIDE_OBJECTS = PM_REQUEST_BASE + 3,
    /* Answers 1 if PM_REQUEST_ALLOCATORS is wanted (--trace= of a domain). */
    PM_REQUEST_WANTS_ALLOCATORS = PM_REQUEST_BASE + 64,
    /* arg1: address of a struct pm_allocators. The tool fills in changed. */
    PM_REQUEST_ALLOCATORS = PM_REQUEST_BASE + 65,
};

/* One for each thread that evaluates Python code. */
struct pm_slot {
    u64 owner;          /* the thread's pointer (%fs:0), PM_SLOT_NEVER or PM_SLOT_FREE */
    u64 anchor;         /* first argument of the running evaluation function; 0: none runs */
};

enum {
    PM_SLOT_NEVER = 0,  /* never used */
    PM_SLOT_FREE = 1,   /* its thread ended */
};

enum { PM_ALLOCATOR_DOMAINS = 3, PM_ALLOCATOR_FUNCTIONS = 12 };

/* The interpreter's allocators (PyMemAllocatorEx), by PyMemAllocatorDomain: raw, mem, object. */
struct pm_allocators {
    struct {
        u64 context;
        u64 functions[4];       /* malloc, calloc, realloc, free */
    } domains[PM_ALLOCATOR_DOMAINS];
    u64 changed[PM_ALLOCATOR_FUNCTIONS];    /* functions whose translations must be made anew; 0: none */
};

enum { PM_GENERATOR_TYPES = 3 };

/* Addresses in the program; 0: there is no such symbol. */
struct pm_hello {
    u64 version_text, code_type, frame_type, runtime, debug_marker, trace_refs_marker;
    u64 generator_types[PM_GENERATOR_TYPES];
};

#endif
