/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Snapshots over time: what was live at moments of the run, in all and at each site.

   A moment keeps the sites whose live figures changed since the moment before, with their new figures. A run
   that imports much has a hundred thousand sites of which few change, so a moment is small, and what was live
   then is exact: it is the sum of all changes up to it. When a moment is dropped, its changes go into the next
   one, which wins.

   Moments without a name are thinned: when there are most_moments of them, every second one is dropped, so that
   those that stay are evenly apart. Whoever takes them then doubles the distance of the next ones. Moments with
   a name stay. When the changes of all moments are more than most_changes, the unnamed ones are thinned, too; and
   when only named ones are left, no more are taken.

   Cost: a moment reads all sites: 2 ms for 85,000. Memory: 32 bytes for each site, once, and 16 for each change. */
#ifndef PM_MOMENTS_H
#define PM_MOMENTS_H

#include "base/pm_strings.h"
#include "base/pm_types.h"
#include "heap/pm_sites.h"

enum {
    PM_MOMENTS_MOST_NAMED = 1000,
    PM_MOMENTS_MOST_CHANGES = 1 << 22,      /* 64 MB */
};

struct pm_moment_change {
    u64 bytes;                  /* live at the site from now on, as requested */
    u64 blocks : 36;
    u64 site : 28;
};

struct pm_moment {
    struct pm_string_id name;   /* 0: none */
    u64 serial;                 /* of the newest allocation */
    u64 elapsed_ms;
    u64 total_bytes;            /* allocated so far; with padding, as the next two */
    u64 live_bytes, live_blocks;
    struct pm_moment_change *changes;       /* ascending by site */
    u32 change_count;
};

struct pm_moments {
    struct pm_moment *list;     /* in the order in which they were taken */
    u32 count, capacity, named_count;
    u64 change_count;           /* of all of them */
    u32 most_moments;           /* without a name; at least 2 */
    u64 most_changes;
    struct pm_site_live *last;  /* the sites at the newest moment */
    struct pm_moment_change *scratch;
    u32 last_count;             /* of both */
    u32 refused;                /* there was no room for them */
};

/* Where a moment is in the run. */
struct pm_moment_place {
    u64 serial, elapsed_ms, total_bytes;
};

void pm_moments_init(struct pm_moments *moments, u32 most_moments);
void pm_moments_release(struct pm_moments *moments);

/* Takes what is live at the sites now. name: 0 for none; several moments may have one name. Returns whether
   moments were thinned. If there is no room for another one, it only counts it in refused. */
bool pm_moments_take(struct pm_moments *moments, const struct pm_sites *sites, const struct pm_moment_place *place,
                     struct pm_string_id name);

#endif
