/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the program may hold pointers to its heap: the registers of its threads,
   the live part of their stacks, and its other writable mappings. Memory of the client heap
   is no root: the search looks at its live blocks as blocks. */
#ifndef PM_ROOTS_H
#define PM_ROOTS_H

#include "base/pm_ranges.h"
#include "base/pm_reader.h"
#include "base/pm_types.h"
#include "cpython/pm_threads.h"
#include "heap/pm_leaks.h"

struct pm_python;

/* Memory of mappings that is dead: below the last stack pointer of a thread that ended, say. */
struct pm_dead_stack {
    u64 low, end;           /* client memory that holds nothing live */
    u32 thread;             /* the thread whose stack goes on at end: its ordinal; 0: none */
};

struct pm_roots {
    /* For the whole run. */
    struct pm_dead_stack *dead;
    u32 dead_count, dead_capacity;
    struct pm_dead_stack *others;   /* from fork to the child's first instruction: stacks of other threads */
    u32 other_count;
    /* Where all threads kept frames when the process was forked; of a fork under way, after those of the forks that
       made this process. The interpreter does not unmap those of threads that the child has not. */
    struct pm_dead_data *frames;
    u32 inherited_count, frames_count;
    struct pm_ranges loader;    /* what the dynamic loader mapped for tables of its own */
    struct pm_ranges mapped;    /* what the program mapped itself, each call of mmap apart */
    /* Of one collection. */
    struct pm_leak_root *entries;
    u32 count, capacity;
    u64 *values;            /* of registers */
    const char **names;     /* of the same registers; the core's texts */
    u32 value_count, value_capacity;
};

/* The core's thread tid is about to end; its stack and registers can still be read. */
void pm_roots_thread_ends(struct pm_roots *roots, u32 tid, u32 ordinal);
/* Thread tid is about to fork: notes the stacks of all others, which the child will not have. */
void pm_roots_forks(struct pm_roots *roots, const struct pm_python *python, u32 tid);
/* In the child: the stacks that were noted are dead. */
void pm_roots_forked(struct pm_roots *roots);
/* The program mapped memory. */
void pm_roots_mapped(struct pm_roots *roots, u64 start, u64 bytes);
/* Memory was unmapped: what is mapped there later is no dead stack. */
void pm_roots_unmapped(struct pm_roots *roots, u64 start, u64 bytes);

/* What a collection needs to know. */
struct pm_roots_request {
    const struct pm_python *python;     /* gives threads their ordinals */
    struct pm_reader *reader;
    bool python_frames;                 /* the interpreter's own stacks can be read: cut them too */
    const struct pm_range *hidden;      /* memory that holds no references */
    u32 hidden_count;
};

/* Fills entries: registers first, then memory in ascending order of addresses. They hold until
   the program goes on. */
void pm_roots_collect(struct pm_roots *roots, const struct pm_roots_request *request);
/* Drops the collection; what is known of dead stacks stays. */
void pm_roots_clear(struct pm_roots *roots);

/* The name of a register in a root of registers; index: as struct pm_leak_block has it in
   from_address. */
const char *pm_roots_register_name(const struct pm_roots *roots, const struct pm_leak_root *root,
                                   u64 index);

#endif
