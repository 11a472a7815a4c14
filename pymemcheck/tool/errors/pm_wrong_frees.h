/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Wrong frees: of what is no live block, and by another interface than the one
   that allocated. They are errors (tool/errors/pm_errors.h); the program goes on, and
   what happens to the block is pm_allocator.c's business, as in Memcheck. */
#ifndef PM_WRONG_FREES_H
#define PM_WRONG_FREES_H

#include "base/pm_types.h"
#include "cpython/pm_domains.h"
#include "heap/pm_blocks.h"

struct pm_run;

enum { PM_FREE_SITES = 1024 };      /* a power of two */

struct pm_wrong_frees {
    /* Which allocator interface is called at a return address, for those met last. */
    struct pm_free_site {
        u64 return_address;
        enum pm_domain domain;
    } sites[PM_FREE_SITES];
    u32 epoch;                      /* of the core's debug information: what is loaded where */
    /* By stack: the interface through which it allocates, plus 1; 0: not looked at yet. */
    u8 *domains;
    u32 domain_count;
};

/* Thread tid frees, or reallocates, an address that is no live block's start. */
void pm_wrong_frees_unknown(struct pm_run *run, u32 tid, u64 address);

/* Thread tid frees a live block as another origin's (malloc's as new's ...) than it is. */
void pm_wrong_frees_mismatch(struct pm_run *run, u32 tid, const struct pm_block *block);

/* Thread tid frees or reallocates a live block: reports it if it came through another of CPython's
   interfaces, or the C library's, than the one now called, and both are known. Called for every free, so
   it looks no further than the function that called free. */
void pm_wrong_frees_check_domain(struct pm_run *run, u32 tid, const struct pm_block *block);

/* Whether that function has nothing to report about block, for a free whose return address is at
   stack_pointer. */
bool pm_wrong_frees_same_domain(struct pm_run *run, u64 stack_pointer, const struct pm_block *block);

#endif
