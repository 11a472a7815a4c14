/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Valgrind's client requests (valgrind.h) by which a program tells of its own allocators: VALGRIND_MALLOCLIKE_BLOCK,
   FREELIKE_BLOCK, RESIZEINPLACE_BLOCK, and those of memory pools. All that can be counted is counted as
   Memcheck does (memcheck/mc_malloc_wrappers.c, 3.19): a block in a pool is an allocation, but it is not "in use", since
   the memory around it is; when it is freed, no free is counted. A block in a pool is not looked at by
   free. What these requests say of a block's surroundings and contents (red zones, zeroed memory) is not used. */
#ifndef PM_CUSTOM_REQUESTS_H
#define PM_CUSTOM_REQUESTS_H

#include "base/pm_types.h"

struct pm_run;

/* Carries out args[0], with *answer; false if it is none of these. */
bool pm_custom_request(struct pm_run *run, u32 tid, const u64 *args, u64 *answer);

/* Thread tid gives free or delete an address that is no block's of theirs: if it is that of a block like
   malloc's, that is reported, and the block is gone. False: it is none. */
bool pm_custom_freed_as_heap(struct pm_run *run, u32 tid, u64 address);

#endif
