/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each allocation stack did: how much in all, how much is live, its
   share of the exact peak, and the sizes it asked for.

   Exact peak in O(1) for each event: peak_epoch counts new maxima. Before a site's live figure
   changes, and if the site's tag is not the current epoch, the figure is saved and the tag is
   set. At the end a site's share of the peak is the saved figure if its tag is current, else
   its live figure.

   All bytes are as the program requested them. What the interpreter's debug hooks add is counted
   apart, as padding.

   A site is known by its number. A run that imports much has a hundred thousand sites, so an
   allocation or a free should touch one line of the processor's cache only. For this reason the
   sizes are counted late: when a request of another power of two follows, or before the report
   (pm_sites_settle). */
#ifndef PM_SITES_H
#define PM_SITES_H

#include "base/pm_types.h"
#include "heap/pm_histogram.h"
#include "heap/pm_stacks.h"

enum { PM_SITES_IN_CHUNK = 512, PM_SITES_ALIGNMENT = 64 };

struct pm_site_id {
    u32 v;
};

/* Two lines of the processor's cache. */
struct pm_site {
    u64 live_bytes, live_blocks;
    u64 saved_bytes, saved_blocks;
    u64 saved_epoch;
    u64 total_bytes;
    u64 total_blocks : 58;
    u64 bin : 6;                    /* of the requests that sizes does not count yet */
    u64 last_serial : 36;           /* allocation numbers, from 1 */
    u64 stack : 28;

    struct pm_histogram sizes;      /* of the first so many requests */
    u64 counted_blocks;
    u64 first_serial;               /* 0: nothing was asked for */
    u64 padding_bytes;              /* added by debug hooks, over all total_blocks */
} __attribute__((aligned(PM_SITES_ALIGNMENT)));

struct pm_sites_chunk {
    struct pm_site *sites;          /* PM_SITES_IN_CHUNK; they stay where they are */
    void *memory;                   /* that they are in */
};

struct pm_sites {
    struct pm_sites_chunk *chunks;
    u32 count, chunk_count;
    u32 *by_stack;                  /* stack id -> pm_site_note */
    u32 by_stack_capacity;
    u64 peak_epoch;
    u64 live_bytes, live_blocks;    /* with padding: what malloc was asked for */
    u64 peak_bytes, peak_blocks;    /* live figures when live_bytes was greatest */
};

/* What was live at some moment of the run. Sites of later numbers had nothing. */
struct pm_sites_moment {
    struct pm_site_live {
        u64 bytes, blocks;
    } *sites;
    u32 count;
    u64 live_bytes, live_blocks;    /* with padding */
};

/* Site number index, from 0, below sites->count. */
static inline struct pm_site *pm_sites_at(const struct pm_sites *sites, u32 index)
{
    return &sites->chunks[index / PM_SITES_IN_CHUNK].sites[index % PM_SITES_IN_CHUNK];
}

/* A site's number as others note it: 0 is none. */
static inline u32 pm_site_note(struct pm_site_id site)
{
    return site.v + 1;
}

static inline struct pm_site_id pm_noted_site(u32 note)
{
    return (struct pm_site_id){ note - 1 };
}

/* Prefetches a site whose figures will change soon. */
static inline void pm_sites_prefetch(const struct pm_sites *sites, struct pm_site_id site)
{
    __builtin_prefetch(pm_sites_at(sites, site.v), 1);
}

static inline struct pm_stack_id pm_site_stack(const struct pm_site *site)
{
    return (struct pm_stack_id){ (u32)site->stack };
}

void pm_sites_init(struct pm_sites *sites);
void pm_sites_release(struct pm_sites *sites);

/* The site of stack, perhaps a new one. */
struct pm_site_id pm_sites_of(struct pm_sites *sites, struct pm_stack_id stack);

/* One allocation of requested_bytes (plus padding_bytes) at site; serial is
   its number, below 2^36. */
void pm_sites_allocate(struct pm_sites *sites, struct pm_site_id site, u64 requested_bytes,
                       u64 padding_bytes, u64 serial);
/* A live block of site was freed. */
void pm_sites_free(struct pm_sites *sites, struct pm_site_id site, u64 requested_bytes,
                   u64 padding_bytes);
/* A live block passes from one site to another (a reused object header).
   Totals and sizes stay with the site that asked malloc for it. */
void pm_sites_move(struct pm_sites *sites, struct pm_site_id from, struct pm_site_id to,
                   u64 requested_bytes);

/* An allocation as pm_sites_allocate, of memory that is counted already, as part of a larger block: what is live, and
   the peak, stay as they are. */
void pm_sites_count(struct pm_sites *sites, struct pm_site_id site, u64 requested_bytes, u64 serial);
/* A live block of site has another size now. Counts no allocation. */
void pm_sites_resize(struct pm_sites *sites, struct pm_site_id site, u64 old_bytes, u64 new_bytes);

/* What is live now is the peak, until more is. */
void pm_sites_reset_peak(struct pm_sites *sites);

/* Makes the sizes of all sites complete, until the next allocation. */
void pm_sites_settle(struct pm_sites *sites);

/* Copies what is live now: 16 bytes for each site. Release it. */
void pm_sites_moment_take(struct pm_sites_moment *moment, const struct pm_sites *sites);
void pm_sites_moment_release(struct pm_sites_moment *moment);

u64 pm_sites_peak_bytes(const struct pm_sites *sites, const struct pm_site *site);
u64 pm_sites_peak_blocks(const struct pm_sites *sites, const struct pm_site *site);

#endif
