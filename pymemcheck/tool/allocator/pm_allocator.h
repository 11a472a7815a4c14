/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The replaced allocator, as the core and the shortcut call it: each entry point of malloc and of
   operator new comes here and becomes a request of pm_allocation.h. */
#ifndef PM_ALLOCATOR_H
#define PM_ALLOCATOR_H

#include "base/pm_types.h"

#include "heap/pm_block.h"
#include "heap/pm_stacks.h"

struct pm_run;

/* Registers the callbacks with the core; during pm_main's pre_clo_init. */
void pm_allocator_register(struct pm_run *run);

/* CPython took the object at client address object out of a free list and made it a new one. If
   the object starts an old block, that block now belongs to the stack of thread tid, as in
   tracemalloc. instruction is the address of the store that says so, or 0 if there is no
   doubt. */
void pm_allocator_reused(struct pm_run *run, u32 tid, u64 object, u64 instruction);

/* Where a live block was allocated, or where its memory was last reused for a new object. */
struct pm_stack_id pm_allocator_stack(const struct pm_run *run, const struct pm_block *block);

/* If function is one of the callbacks that the program's malloc calls most often: calls it for
   tid, stores what it returns, and returns true. arguments[0] is the first argument after the
   thread. */
bool pm_allocator_call(u64 function, u32 tid, const u64 *arguments, u64 *result);

enum pm_allocator_entry {
    PM_ALLOCATOR_MALLOC,    /* first bytes */
    PM_ALLOCATOR_CALLOC,    /* first times second bytes */
    PM_ALLOCATOR_FREE,      /* the block at first */
};

struct pm_allocator_arguments {
    u64 first, second;
    u64 stack_pointer;  /* at the function's entry: where its return address is */
};

/* Carries out the usual call of malloc, calloc or free: a small request, or a free about which
   there is nothing to report. Stores what malloc or calloc returns. False, with nothing done or
   counted, if the call is not such a simple one. */
bool pm_allocator_simple_call(enum pm_allocator_entry entry, u32 tid,
                              const struct pm_allocator_arguments *arguments, u64 *result);

#endif
