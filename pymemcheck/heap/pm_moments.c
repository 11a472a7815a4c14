/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heap/pm_moments.h"

#include "base/pm_platform.h"

void pm_moments_init(struct pm_moments *moments, u32 most_moments)
{
    *moments = (struct pm_moments){
        .most_moments = most_moments < 2 ? 2 : most_moments, .most_changes = PM_MOMENTS_MOST_CHANGES,
    };
}

void pm_moments_release(struct pm_moments *moments)
{
    for (u32 i = 0; i < moments->count; i++)
        pm_free(moments->list[i].changes);
    pm_free(moments->list);
    pm_free(moments->last);
    pm_free(moments->scratch);
    *moments = (struct pm_moments){ 0 };
}

static bool is_named(const struct pm_moment *moment)
{
    return moment->name.v != 0;
}

/* Puts the changes of the older moment before those of the newer one; of one site the newer change stays. Both
   are ascending by site. */
static void merge_changes(struct pm_moments *moments, struct pm_moment *newer, const struct pm_moment *older)
{
    const u32 most = newer->change_count + older->change_count;
    struct pm_moment_change *merged = pm_alloc("pm.moments", (most + (size_t)1) * sizeof *merged);
    u32 n = 0, o = 0, count = 0;

    while (n < newer->change_count || o < older->change_count) {
        const bool take_older = n == newer->change_count
            || (o < older->change_count && older->changes[o].site < newer->changes[n].site);
        if (!take_older && o < older->change_count && older->changes[o].site == newer->changes[n].site)
            o++;
        merged[count++] = take_older ? older->changes[o++] : newer->changes[n++];
    }
    moments->change_count -= most - count;
    pm_free(newer->changes);
    newer->changes = pm_realloc("pm.moments", merged, (count + (size_t)1) * sizeof *merged);
    newer->change_count = count;
}

/* Drops every second of the moments without a name, the first one first: those that stay are even multiples of
   the distance. The newest moment stays in any case: what is dropped needs a next one. Returns whether some were
   dropped. */
static bool thin(struct pm_moments *moments)
{
    u32 kept = 0, unnamed = 0;

    for (u32 i = 0; i < moments->count; i++) {
        struct pm_moment *moment = &moments->list[i];
        if (!is_named(moment) && unnamed++ % 2 == 0 && i + 1 < moments->count) {
            merge_changes(moments, moment + 1, moment);
            pm_free(moment->changes);
        } else {
            moments->list[kept++] = *moment;
        }
    }
    const bool dropped = kept < moments->count;
    moments->count = kept;
    return dropped;
}

static void make_room(struct pm_moments *moments, const struct pm_sites *sites)
{
    if (moments->count == moments->capacity) {
        moments->capacity = moments->capacity == 0 ? 64 : moments->capacity * 2;
        moments->list = pm_realloc("pm.moments", moments->list, moments->capacity * sizeof *moments->list);
    }
    if (moments->last_count < sites->count) {
        moments->last = pm_realloc("pm.moments", moments->last, sites->count * sizeof *moments->last);
        moments->scratch = pm_realloc("pm.moments", moments->scratch, sites->count * sizeof *moments->scratch);
        pm_zero(moments->last + moments->last_count,
                (sites->count - moments->last_count) * sizeof *moments->last);
        moments->last_count = sites->count;
    }
}

/* One pass over the sites, which is most of what a moment costs. */
static void add_changes(struct pm_moments *moments, const struct pm_sites *sites, struct pm_moment *moment)
{
    struct pm_moment_change *changes = moments->scratch;
    u32 count = 0;

    for (u32 i = 0; i < sites->count; i++) {
        const struct pm_site *site = pm_sites_at(sites, i);
        struct pm_site_live *last = &moments->last[i];
        if (site->live_bytes == last->bytes && site->live_blocks == last->blocks)
            continue;
        changes[count++] = (struct pm_moment_change){
            .bytes = site->live_bytes, .blocks = site->live_blocks, .site = i,
        };
        *last = (struct pm_site_live){ site->live_bytes, site->live_blocks };
    }
    moment->changes = pm_alloc("pm.moments", (count + (size_t)1) * sizeof *changes);
    if (count > 0)
        pm_copy(moment->changes, changes, count * sizeof *changes);
    moment->change_count = count;
    moments->change_count += count;
}

/* Unnamed moments make room when there is another one. */
static bool is_full(const struct pm_moments *moments, bool named)
{
    if (named && moments->named_count >= PM_MOMENTS_MOST_NAMED)
        return true;
    return moments->change_count > moments->most_changes && moments->named_count == moments->count;
}

bool pm_moments_take(struct pm_moments *moments, const struct pm_sites *sites, const struct pm_moment_place *place,
                     struct pm_string_id name)
{
    const bool named = name.v != 0;
    bool thinned = false;

    if (is_full(moments, named)) {
        moments->refused++;
        return false;
    }
    make_room(moments, sites);
    struct pm_moment *moment = &moments->list[moments->count++];
    *moment = (struct pm_moment){
        .name = name,
        .serial = place->serial,
        .elapsed_ms = place->elapsed_ms,
        .total_bytes = place->total_bytes,
        .live_bytes = sites->live_bytes,
        .live_blocks = sites->live_blocks,
    };
    add_changes(moments, sites, moment);
    moments->named_count += named;
    if (moments->count - moments->named_count >= moments->most_moments)
        thinned = thin(moments);
    while (moments->change_count > moments->most_changes && thin(moments))
        thinned = true;
    return thinned;
}
