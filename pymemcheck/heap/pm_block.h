/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The record of a live block. */
#ifndef PM_BLOCK_H
#define PM_BLOCK_H

#include "base/pm_types.h"

enum pm_block_origin {
    PM_BLOCK_MALLOC,
    PM_BLOCK_NEW,
    PM_BLOCK_NEW_ARRAY,
    PM_BLOCK_CUSTOM,            /* of an allocator of the program's own */
};

#define PM_BLOCK_MAX_THREAD 2047
#define PM_BLOCK_MAX_SERIAL ((1ull << 36) - 1)
#define PM_BLOCK_PADDING_UNIT 8     /* bytes in one unit of padding_units */
#define PM_BLOCK_MAX_PADDING (31 * PM_BLOCK_PADDING_UNIT)

struct pm_block {
    u64 address;            /* 0: empty cell */
    u64 bytes : 44;         /* as malloc was asked, padding included */
    u64 padding_units : 5;
    u64 origin : 2;         /* enum pm_block_origin */
    u64 is_code : 1;        /* holds a code object that a frame cache names */
    u64 raising : 1;        /* allocated while an exception was raised in the thread */
    u64 thread : 11;        /* ordinal of the allocating thread, from 1; PM_BLOCK_MAX_THREAD and
                               later share one */
    u64 site : 28;          /* pm_sites.h: where it was allocated or last reused */
    u64 serial : 36;        /* number of the allocation, from 1; PM_BLOCK_MAX_SERIAL and later
                               share one */
};

static inline u64 pm_block_padding_bytes(const struct pm_block *block)
{
    return (u64)block->padding_units * PM_BLOCK_PADDING_UNIT;
}

static inline u64 pm_block_requested_bytes(const struct pm_block *block)
{
    return block->bytes - pm_block_padding_bytes(block);
}

#endif
