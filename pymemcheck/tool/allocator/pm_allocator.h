/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The replaced allocator: every entry point of malloc and operator new comes
   here, is carried out with the core's client allocator, and is entered in
   the tables. */
#ifndef PM_ALLOCATOR_H
#define PM_ALLOCATOR_H

#include "base/pm_types.h"

#include "heap/pm_block.h"
#include "heap/pm_stacks.h"

struct pm_run;

/* Registers the callbacks with the core; during pm_main's pre_clo_init. */
void pm_allocator_register(struct pm_run *run);

/* An object begins at most so far behind the start of its block. */
enum { PM_ALLOCATOR_MAX_HEADER_BYTES = 64 };

/* The object at client address object was reborn: CPython gave out a header
   that it had kept in a free list. If it starts an old block, that block now
   belongs to the stack of thread tid, as in tracemalloc. instruction is the address of the
   store that says so, or 0 if there can be no doubt. */
void pm_allocator_reused(struct pm_run *run, u32 tid, u64 object, u64 instruction);

/* Where a live block was allocated, or its object born again. */
struct pm_stack_id pm_allocator_stack(const struct pm_run *run, const struct pm_block *block);

/* If function, called with up to three arguments, is one of the allocation
   callbacks that the program's malloc calls, calls it for tid, stores what it
   returns and is true. arguments[0] is the first argument after the thread. */
bool pm_allocator_call(u64 function, u32 tid, const u64 *arguments, u64 *result);

enum pm_allocator_entry {
    PM_ALLOCATOR_MALLOC,     /* of first bytes */
    PM_ALLOCATOR_CALLOC,     /* of first times second bytes */
    PM_ALLOCATOR_FREE,       /* of the block at first */
};

struct pm_allocator_arguments {
    u64 first, second;
    u64 stack_pointer;  /* at the function's entry: where its return address is */
};

/* Carries out the usual call of a function of malloc's family: for a small request, or a
   block that is no reason for a report, that is all there is to do. *result is set if there is
   one. False, with nothing done or counted, where it is not so simple. */
bool pm_allocator_simple_call(enum pm_allocator_entry entry, u32 tid,
                         const struct pm_allocator_arguments *arguments, u64 *result);

/* Thread tid frees address as a block of that origin: what free and delete do. */
void pm_allocator_release(struct pm_run *run, u32 tid, u64 address, enum pm_block_origin origin);

#endif
