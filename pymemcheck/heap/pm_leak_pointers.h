/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who points at an address: each word of roots and blocks that points into a range, and
   whether the leak search counts it as a reference. Words that it does not count are told
   as well, with the reason: they explain records that look wrong. */
#ifndef PM_LEAK_POINTERS_H
#define PM_LEAK_POINTERS_H

#include "heap/pm_leaks.h"

enum pm_leak_pointer_use {
    PM_POINTER_START,           /* a reference: to the start of a block, or to its object */
    PM_POINTER_INTERIOR,        /* into the middle of a block */
    PM_POINTER_TO_NO_BLOCK,     /* to memory that is in no live block */
    /* No references. */
    PM_POINTER_FROM_HIDDEN,     /* the word is one of the collector's links, or a debug hook's */
    PM_POINTER_FROM_OPAQUE,     /* it is in a block that holds no references */
    PM_POINTER_WEAK,            /* it is a weak word (pm_leak_weak.h) */
    PM_POINTER_TO_HEADER,       /* it points to what stands before an object */
    PM_POINTER_NOT_OWNING,      /* an interior pointer to an object that nobody owns that way */
    PM_POINTER_USES,
};

struct pm_leak_pointer {
    u64 value;
    u64 where;                  /* address of the word; in values, its index */
    u32 from_block, from_root;  /* as in struct pm_leak_block */
    u32 block;                  /* that it points to, or PM_LEAK_NONE */
    enum pm_leak_pointer_use use;
};

/* Calls visit for each aligned word whose value is in [low, end), or is a tagged reference to
   an object that starts there: those of roots first, then those of blocks, by address. After
   pm_leaks_search.
   Cost: a look at each word of roots and blocks. */
void pm_leak_pointers_each(struct pm_leaks *leaks, u64 low, u64 end,
                           void (*visit)(void *context, const struct pm_leak_pointer *pointer),
                           void *context);

/* "a reference", "no reference: a weak reference, or left over" ... for a person. */
const char *pm_leak_pointer_text(enum pm_leak_pointer_use use);

#endif
