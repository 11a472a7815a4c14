/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What malloc's family does, whichever way the program's request came: gets memory, enters and
   removes blocks in the tables, and tells listeners (heap/pm_events.h).

   Small blocks of the usual alignment come from slabs (heap/pm_slabs.h), the others from the
   core's client allocator. Counting follows Memcheck (memcheck/mc_malloc_wrappers.c, 3.19) to the
   letter, so that both print the same HEAP SUMMARY: a failed malloc counts nothing; a realloc is
   one free and one allocation even when it fails; a free of an unknown address counts as a
   free. */
#ifndef PM_ALLOCATION_H
#define PM_ALLOCATION_H

#include "base/pm_types.h"
#include "heap/pm_events.h"

struct pm_run;

/* What the program asked for, as events say it. */
struct pm_request {
    u32 tid;                    /* the core's number of the calling thread */
    enum pm_event_call call;
    u64 arguments[2];           /* of the call */
};

/* An object begins at most so far behind the start of its block. */
enum { PM_ALLOCATION_MAX_HEADER_BYTES = 64 };

/* A new block of bytes; NULL, with a failure counted, if there is no memory. */
void *pm_allocation_allocate(struct pm_run *run, const struct pm_request *request, u64 bytes,
                             u64 alignment);

/* The same for memory that is there already: pm_blocks_allocate gave it. */
void pm_allocation_hand_out(struct pm_run *run, const struct pm_request *request, u64 memory,
                            u64 bytes);

/* Counts an allocation that failed, and returns NULL. before: the block that a realloc leaves as
   it is, or NULL. */
void *pm_allocation_fail(struct pm_run *run, const struct pm_request *request,
                         const struct pm_block *before);

/* Frees the block at arguments[0], and reports what is wrong about that. */
void pm_allocation_free(struct pm_run *run, const struct pm_request *request);

/* Frees a live block about which there is nothing to report. */
void pm_allocation_free_found(struct pm_run *run, const struct pm_request *request,
                              struct pm_block *found);

/* Makes the block at arguments[0] hold arguments[1] bytes, there or elsewhere, and reports what
   is wrong about that. NULL if it failed: then the block, if there is one, is as it was. */
void *pm_allocation_resize(struct pm_run *run, const struct pm_request *request);

/* A new object begins in a live block, which from now on belongs to the stack of the requesting
   thread. */
void pm_allocation_reuse(struct pm_run *run, const struct pm_request *request,
                         struct pm_block *block);

#endif
