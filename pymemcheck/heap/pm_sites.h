/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each allocation stack did: how much in all, how much is live, its
   share of the exact peak, and the sizes it asked for.

   Exact peak in O(1) for each event: peak_epoch counts new maxima. Before a
   site's live figure changes, if its tag is not the current epoch the figure
   is saved and the tag set. At the end a site's share of the peak is the
   saved figure if its tag is current, else its live one.

   All bytes are as requested; where the interpreter's debug hooks pad a
   request the padding is counted apart. */
#ifndef PM_SITES_H
#define PM_SITES_H

#include "base/pm_types.h"
#include "heap/pm_histogram.h"
#include "heap/pm_stacks.h"

enum { PM_SITES_IN_CHUNK = 512, PM_SITES_ALIGNMENT = 64 };

/* Two lines of the processor's cache; what changes at each allocation comes first, and with each free. */
struct pm_site {
    u64 live_bytes, live_blocks;
    u64 saved_bytes, saved_blocks;
    u64 saved_epoch;
    u64 total_bytes, total_blocks;
    u64 last_serial;                /* allocation numbers, from 1 */
    struct pm_histogram sizes;      /* of every request */
    u64 first_serial;
    u64 padding_bytes;              /* added by debug hooks, over all total_blocks */
    struct pm_stack_id stack;
} __attribute__((aligned(PM_SITES_ALIGNMENT)));

struct pm_sites_chunk {
    struct pm_site *sites;          /* PM_SITES_IN_CHUNK; they stay where they are */
    void *memory;                   /* that they are in */
};

struct pm_sites {
    struct pm_sites_chunk *chunks;
    u32 count, chunk_count;
    u32 *by_stack;                  /* stack id -> site index + 1 */
    u32 by_stack_capacity;
    u64 peak_epoch;
    u64 live_bytes, live_blocks;    /* with padding: what malloc was asked for */
    u64 peak_bytes, peak_blocks;    /* live figures when live_bytes was greatest */
};

/* Site number index, from 0, below sites->count. */
static inline struct pm_site *pm_sites_at(const struct pm_sites *sites, u32 index)
{
    return &sites->chunks[index / PM_SITES_IN_CHUNK].sites[index % PM_SITES_IN_CHUNK];
}

void pm_sites_init(struct pm_sites *sites);
void pm_sites_release(struct pm_sites *sites);

/* One allocation of requested_bytes (plus padding_bytes) at stack; serial is
   its number. */
void pm_sites_allocate(struct pm_sites *sites, struct pm_stack_id stack, u64 requested_bytes,
                       u64 padding_bytes, u64 serial);
/* A live block of stack is gone. */
void pm_sites_free(struct pm_sites *sites, struct pm_stack_id stack, u64 requested_bytes,
                   u64 padding_bytes);
/* A live block passes from one stack to another (a recycled object header).
   Totals and sizes stay with the stack that asked malloc for it. */
void pm_sites_move(struct pm_sites *sites, struct pm_stack_id from, struct pm_stack_id to,
                   u64 requested_bytes);

u64 pm_sites_peak_bytes(const struct pm_sites *sites, const struct pm_site *site);
u64 pm_sites_peak_blocks(const struct pm_sites *sites, const struct pm_site *site);

#endif
