/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Wrong frees: of an address that is not a live block, and through another interface than the
   one that allocated the block. They are errors (tool/errors/pm_errors.h). The program goes
   on; pm_allocator.c decides what happens to the block, as in Memcheck. */
#ifndef PM_WRONG_FREES_H
#define PM_WRONG_FREES_H

#include "base/pm_types.h"
#include "cpython/pm_domains.h"
#include "heap/pm_blocks.h"

struct pm_run;

enum { PM_FREE_SITES = 1024 };      /* a power of two */

struct pm_wrong_frees {
    /* Which allocator interface is called before a return address, for recent return
       addresses. */
    struct pm_free_site {
        u64 return_address;
        enum pm_domain domain;
    } sites[PM_FREE_SITES];
    u32 epoch;                      /* of the core's debug information, when sites was filled */
    /* By stack id: the interface through which it allocates, plus 1; 0: not known yet. */
    u8 *domains;
    u32 domain_count;
};

/* Thread tid frees, or reallocates, an address at which no live block starts. */
void pm_wrong_frees_unknown(struct pm_run *run, u32 tid, u64 address);

/* Thread tid frees a live block as one of another kind (malloc's as new's, say). */
void pm_wrong_frees_mismatch(struct pm_run *run, u32 tid, const struct pm_block *block);

/* Thread tid frees or reallocates a live block. Reports it if the block came through another
   of CPython's interfaces, or the C library's, than the one now called, and both are known.
   Called for every free, so it looks no further than the function that called free. */
void pm_wrong_frees_check_domain(struct pm_run *run, u32 tid, const struct pm_block *block);

/* Whether pm_wrong_frees_check_domain would report nothing about block, for a free whose
   return address is stored at stack_pointer. */
bool pm_wrong_frees_same_domain(struct pm_run *run, u64 stack_pointer, const struct pm_block *block);

#endif
