/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heap/pm_sites.h"

#include "base/pm_grow.h"
#include "base/pm_platform.h"

void pm_sites_init(struct pm_sites *sites)
{
    *sites = (struct pm_sites){ .by_stack_capacity = 1024, .peak_epoch = 1 };
    sites->by_stack = pm_alloc_zero("pm.sites", sites->by_stack_capacity * sizeof *sites->by_stack);
}

void pm_sites_release(struct pm_sites *sites)
{
    for (u32 i = 0; i < sites->count; i++)
        pm_histogram_release(&pm_sites_at(sites, i)->sizes);
    for (u32 i = 0; i < sites->chunk_count; i++)
        pm_free(sites->chunks[i].memory);
    pm_free(sites->chunks);
    pm_free(sites->by_stack);
    *sites = (struct pm_sites){ 0 };
}

static void add_chunk(struct pm_sites *sites)
{
    void *memory = pm_alloc("pm.sites", PM_SITES_IN_CHUNK * sizeof(struct pm_site)
                                            + PM_SITES_ALIGNMENT);

    sites->chunks = pm_realloc("pm.sites", sites->chunks,
                               (sites->chunk_count + 1) * sizeof *sites->chunks);
    sites->chunks[sites->chunk_count++] = (struct pm_sites_chunk){
        .sites = pm_align(memory, PM_SITES_ALIGNMENT),
        .memory = memory,
    };
}

static struct pm_site_id add(struct pm_sites *sites, struct pm_stack_id stack)
{
    if (sites->count == sites->chunk_count * PM_SITES_IN_CHUNK)
        add_chunk(sites);
    struct pm_site *site = pm_sites_at(sites, sites->count);
    *site = (struct pm_site){ .stack = stack.v };
    pm_histogram_init(&site->sizes);
    return (struct pm_site_id){ sites->count++ };
}

struct pm_site_id pm_sites_of(struct pm_sites *sites, struct pm_stack_id stack)
{
    sites->by_stack = pm_grow_to("pm.sites", sites->by_stack, &sites->by_stack_capacity, stack.v,
                                 sizeof *sites->by_stack);
    if (sites->by_stack[stack.v] == 0)
        sites->by_stack[stack.v] = pm_site_note(add(sites, stack));
    return pm_noted_site(sites->by_stack[stack.v]);
}

static struct pm_site *get(const struct pm_sites *sites, struct pm_site_id id)
{
    return pm_sites_at(sites, id.v);
}

static void save_for_peak(const struct pm_sites *sites, struct pm_site *site)
{
    if (site->saved_epoch != sites->peak_epoch) {
        site->saved_epoch = sites->peak_epoch;
        site->saved_bytes = site->live_bytes;
        site->saved_blocks = site->live_blocks;
    }
}

/* Adds the requests that sizes does not count yet; all of them are of one bin. */
static void settle(struct pm_site *site)
{
    if (site->counted_blocks == site->total_blocks)
        return;
    pm_histogram_add_bin(&site->sizes, site->bin, site->total_blocks - site->counted_blocks);
    site->counted_blocks = site->total_blocks;
}

void pm_sites_settle(struct pm_sites *sites)
{
    for (u32 i = 0; i < sites->count; i++)
        settle(pm_sites_at(sites, i));
}

static inline void count_request(struct pm_site *site, u64 requested_bytes, u64 serial)
{
    const unsigned bin = pm_histogram_bin_of_request(requested_bytes);

    if (site->total_blocks == 0)
        site->first_serial = serial;
    if (bin != site->bin) {
        settle(site);
        site->bin = bin & (PM_HISTOGRAM_BINS - 1);
    }
    site->total_bytes += requested_bytes;
    site->total_blocks++;
    site->last_serial = serial;
}

void pm_sites_count(struct pm_sites *sites, struct pm_site_id id, u64 requested_bytes, u64 serial)
{
    count_request(get(sites, id), requested_bytes, serial);
}

static inline void compare_with_peak(struct pm_sites *sites, u64 serial)
{
    if (sites->live_bytes > sites->peak_bytes) {
        sites->peak_bytes = sites->live_bytes;
        sites->peak_blocks = sites->live_blocks;
        sites->peak_serial = serial;
        sites->peak_epoch++;
    }
}

void pm_sites_allocate(struct pm_sites *sites, struct pm_site_id id, u64 requested_bytes,
                       u64 padding_bytes, u64 serial)
{
    struct pm_site *site = get(sites, id);

    save_for_peak(sites, site);
    count_request(site, requested_bytes, serial);
    if (padding_bytes > 0)
        site->padding_bytes += padding_bytes;
    site->live_bytes += requested_bytes;
    site->live_blocks++;

    sites->live_bytes += requested_bytes + padding_bytes;
    sites->live_blocks++;
    compare_with_peak(sites, serial);
}

void pm_sites_resize(struct pm_sites *sites, struct pm_site_id id, u64 old_bytes, u64 new_bytes, u64 serial)
{
    struct pm_site *site = get(sites, id);

    save_for_peak(sites, site);
    site->live_bytes += new_bytes - old_bytes;
    sites->live_bytes += new_bytes - old_bytes;
    compare_with_peak(sites, serial);
}

static void take_away(const struct pm_sites *sites, struct pm_site *site, u64 requested_bytes)
{
    PM_ASSERT(site->live_blocks > 0 && site->live_bytes >= requested_bytes);
    save_for_peak(sites, site);
    site->live_bytes -= requested_bytes;
    site->live_blocks--;
}

void pm_sites_free(struct pm_sites *sites, struct pm_site_id id, u64 requested_bytes,
                   u64 padding_bytes)
{
    take_away(sites, get(sites, id), requested_bytes);
    sites->live_bytes -= requested_bytes + padding_bytes;
    sites->live_blocks--;
}

void pm_sites_move(struct pm_sites *sites, struct pm_site_id from, struct pm_site_id to,
                   u64 requested_bytes)
{
    if (from.v == to.v)
        return;
    take_away(sites, get(sites, from), requested_bytes);
    struct pm_site *site = get(sites, to);
    save_for_peak(sites, site);
    site->live_bytes += requested_bytes;
    site->live_blocks++;
}

u64 pm_sites_peak_bytes(const struct pm_sites *sites, const struct pm_site *site)
{
    return site->saved_epoch == sites->peak_epoch ? site->saved_bytes : site->live_bytes;
}

u64 pm_sites_peak_blocks(const struct pm_sites *sites, const struct pm_site *site)
{
    return site->saved_epoch == sites->peak_epoch ? site->saved_blocks : site->live_blocks;
}

/* Until a site changes, it has no tag of the new epoch, and its live figure is its share. */
void pm_sites_reset_peak(struct pm_sites *sites)
{
    sites->peak_bytes = sites->live_bytes;
    sites->peak_blocks = sites->live_blocks;
    sites->peak_epoch++;
}

void pm_sites_moment_take(struct pm_sites_moment *moment, const struct pm_sites *sites)
{
    *moment = (struct pm_sites_moment){
        .sites = pm_alloc("pm.sites", (sites->count + (size_t)1) * sizeof *moment->sites),
        .count = sites->count,
        .live_bytes = sites->live_bytes,
        .live_blocks = sites->live_blocks,
    };
    for (u32 i = 0; i < sites->count; i++) {
        const struct pm_site *site = pm_sites_at(sites, i);
        moment->sites[i] = (struct pm_site_live){ site->live_bytes, site->live_blocks };
    }
}

void pm_sites_moment_release(struct pm_sites_moment *moment)
{
    pm_free(moment->sites);
    *moment = (struct pm_sites_moment){ 0 };
}
