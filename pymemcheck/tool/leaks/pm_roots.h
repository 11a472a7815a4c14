/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the program may hold pointers to its heap: the registers of its threads,
   the live part of their stacks, and its writable mappings that are neither.
   Memory of the client heap is no root: its live blocks are searched as
   blocks. */
#ifndef PM_ROOTS_H
#define PM_ROOTS_H

#include "base/pm_ranges.h"
#include "base/pm_types.h"
#include "cpython/pm_object.h"
#include "heap/pm_leaks.h"

struct pm_run;

/* A stack whose thread is gone: what is below its last stack pointer is dead. */
struct pm_dead_stack {
    u64 low, end;           /* client memory that holds nothing live */
    u32 thread;             /* whose stack goes on behind it: its ordinal; 0: nobody's */
};

struct pm_roots {
    /* For the whole run. */
    struct pm_dead_stack *dead;
    u32 dead_count, dead_capacity;
    struct pm_ranges mapped;    /* what the program mapped itself, each call of mmap apart */
    struct pm_ranges loader;    /* of these, what the dynamic loader mapped for tables of its own */
    /* Of one collection. */
    struct pm_leak_root *entries;
    u32 count, capacity;
    u64 *values;            /* of registers */
    u32 value_count, value_capacity;
};

/* The core's thread tid is about to be gone; its stack and registers can still be asked. */
void pm_roots_thread_ends(struct pm_roots *roots, u32 tid, u32 ordinal);
/* The program mapped memory. */
void pm_roots_mapped(struct pm_roots *roots, u64 start, u64 bytes);
/* Memory was unmapped: what is mapped there later is no dead stack. */
void pm_roots_unmapped(struct pm_roots *roots, u64 start, u64 bytes);

/* Whether an object has the memory at address for a part of its own (see pm_free_lists.h). */
struct pm_roots_owner {
    bool (*is_owned)(void *context, u64 address);
    void *context;
    struct pm_objects *objects;     /* NULL: objects are not looked at */
};

/* Fills entries, in ascending order of addresses behind the registers. They are
   right until the program goes on. */
void pm_roots_collect(struct pm_run *run, struct pm_roots *roots,
                      const struct pm_roots_owner *owner);
/* Drops the collection; what is known of dead stacks stays. */
void pm_roots_clear(struct pm_roots *roots);

#endif
