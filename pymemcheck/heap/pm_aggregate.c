/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heap/pm_aggregate.h"

#include "base/pm_map.h"
#include "base/pm_platform.h"
#include "base/pm_sort.h"

const struct pm_frame *pm_profile_python_frame(const struct pm_profile *profile,
                                               struct pm_stack_id stack)
{
    while (stack.v != 0) {
        struct pm_stack_node node = pm_stacks_node(profile->stacks, stack);
        const struct pm_frame *frame = pm_frames_get(profile->frames, node.frame);
        if (frame->kind == PM_FRAME_PYTHON)
            return frame;
        stack = node.parent;
    }
    return NULL;
}

const struct pm_frame *pm_profile_caller(const struct pm_profile *profile,
                                         struct pm_stack_id stack)
{
    const struct pm_frame *outermost = NULL, *unnamed = NULL;

    while (stack.v != 0) {
        struct pm_stack_node node = pm_stacks_node(profile->stacks, stack);
        const struct pm_frame *frame = pm_frames_get(profile->frames, node.frame);
        stack = node.parent;
        if (frame->kind != PM_FRAME_NATIVE)
            continue;
        outermost = frame;
        if (unnamed != NULL && frame->object.v != unnamed->object.v)
            break;
        if (frame->flags & PM_FRAME_ALLOCATOR)
            continue;
        if (frame->function.v != 0)
            return frame;
        if (unnamed == NULL)
            unnamed = frame;
    }
    return unnamed != NULL ? unnamed : outermost;
}

/* Fills in what makes a row of group out of a site; false if the site has no
   part in the group. */
static bool describe(const struct pm_profile *profile, enum pm_group group,
                     const struct pm_site *site, struct pm_row *row)
{
    const struct pm_frame *python, *caller;

    *row = (struct pm_row){ .stack = site->stack };
    if (group == PM_GROUP_STACK)
        return true;
    python = pm_profile_python_frame(profile, site->stack);
    switch (group) {
    case PM_GROUP_CALLER:
        if (python != NULL)
            return false;
        caller = pm_profile_caller(profile, site->stack);
        if (caller != NULL) {
            row->object = caller->object;
            row->function = caller->function;
        }
        return true;
    case PM_GROUP_FUNCTION:
    case PM_GROUP_LINE:
        if (python == NULL)
            return false;
        row->file = python->file;
        row->function = python->function;
        row->line = group == PM_GROUP_LINE ? python->line : 0;
        return true;
    case PM_GROUP_STACK:
        break;
    }
    return false;
}

static u64 key_of(enum pm_group group, const struct pm_row *row)
{
    switch (group) {
    case PM_GROUP_CALLER:
        return (u64)row->object.v << 32 | row->function.v;
    case PM_GROUP_FUNCTION:
        return (u64)row->file.v << 32 | row->function.v;
    case PM_GROUP_LINE:
        return (u64)row->file.v << 32 | row->line;
    case PM_GROUP_STACK:
        break;
    }
    return row->stack.v;
}

static void add_site(struct pm_row *row, const struct pm_profile *profile,
                     const struct pm_site *site)
{
    row->total_bytes += site->total_bytes;
    row->total_blocks += site->total_blocks;
    row->live_bytes += site->live_bytes;
    row->live_blocks += site->live_blocks;
    row->peak_bytes += pm_sites_peak_bytes(profile->sites, site);
    row->peak_blocks += pm_sites_peak_blocks(profile->sites, site);
    pm_histogram_merge(&row->sizes, &site->sizes);
}

struct ordering {
    const struct pm_profile *profile;
    const struct pm_row *rows;
    enum pm_order order;
};

static int compare_numbers(u64 a, u64 b)
{
    return (a > b) - (a < b);
}

static int compare_texts(const struct pm_profile *profile, struct pm_string_id a,
                         struct pm_string_id b)
{
    if (a.v == b.v)
        return 0;
    size_t n = pm_strings_length(profile->strings, a), m = pm_strings_length(profile->strings, b);
    int c = pm_compare(pm_strings_text(profile->strings, a), pm_strings_text(profile->strings, b),
                       n < m ? n : m);
    return c != 0 ? c : compare_numbers(n, m);
}

/* What a place is called, in a frame or in a row. */
struct names {
    struct pm_string_id object, file, function;
    u32 line;
};

static int compare_names(const struct pm_profile *profile, struct names a, struct names b)
{
    int c = compare_texts(profile, a.object, b.object);
    if (c == 0)
        c = compare_texts(profile, a.file, b.file);
    if (c == 0)
        c = compare_texts(profile, a.function, b.function);
    return c != 0 ? c : compare_numbers(a.line, b.line);
}

static int compare_frames(const struct pm_profile *profile, const struct pm_frame *a,
                          const struct pm_frame *b)
{
    int c = compare_numbers(a->kind, b->kind);
    if (c == 0)
        c = compare_names(profile, (struct names){ a->object, a->file, a->function, a->line },
                          (struct names){ b->object, b->file, b->function, b->line });
    return c != 0 ? c : compare_numbers(a->offset, b->offset);
}

static int compare_stacks(const struct pm_profile *profile, struct pm_stack_id a,
                          struct pm_stack_id b)
{
    while (a.v != b.v && a.v != 0 && b.v != 0) {
        struct pm_stack_node x = pm_stacks_node(profile->stacks, a);
        struct pm_stack_node y = pm_stacks_node(profile->stacks, b);
        int c = compare_frames(profile, pm_frames_get(profile->frames, x.frame),
                               pm_frames_get(profile->frames, y.frame));
        if (c != 0)
            return c;
        a = x.parent;
        b = y.parent;
    }
    return a.v == b.v ? 0 : a.v == 0 ? -1 : 1;
}

/* Stack ids depend on the order in which stacks were met, which is the same
   in equal runs, but a reader wants names: ids never decide. */
static int compare_rows(const void *context, u32 i, u32 j)
{
    const struct ordering *ordering = context;
    const struct pm_profile *profile = ordering->profile;
    const struct pm_row *a = &ordering->rows[i], *b = &ordering->rows[j];
    int c;

    if (ordering->order == PM_ORDER_TOTAL_BYTES) {
        c = compare_numbers(a->total_blocks != 0, b->total_blocks != 0);
        if (c == 0)
            c = compare_numbers(a->total_bytes, b->total_bytes);
    } else {
        c = compare_numbers(b->live_bytes, a->live_bytes);
        if (c == 0)
            c = compare_numbers(b->live_blocks, a->live_blocks);
    }
    if (c == 0)
        c = compare_names(profile, (struct names){ a->object, a->file, a->function, a->line },
                          (struct names){ b->object, b->file, b->function, b->line });
    return c != 0 ? c : compare_stacks(profile, a->stack, b->stack);
}

static u64 weight_of(const struct pm_row *row, enum pm_order order)
{
    return order == PM_ORDER_TOTAL_BYTES ? row->total_bytes : row->live_bytes;
}

/* The weight of the top-th heaviest row: the heaviest so far are kept in
   descending order, and few rows get among them. */
static u64 least_of_top(const struct pm_aggregate *aggregate, enum pm_order order, size_t top)
{
    u64 *heaviest = pm_alloc_zero("pm.aggregate", top * sizeof *heaviest);

    for (size_t i = 0; i < aggregate->row_count; i++) {
        u64 weight = weight_of(&aggregate->rows[i], order);
        size_t place = top;
        if (weight <= heaviest[top - 1])
            continue;
        for (; place > 1 && heaviest[place - 2] < weight; place--)
            heaviest[place - 1] = heaviest[place - 2];
        heaviest[place - 1] = weight;
    }
    u64 least = heaviest[top - 1];
    pm_free(heaviest);
    return least;
}

enum { LARGEST_TOP = 1000 };

/* Fills places with the numbers of all rows, those that need be in order sorted. */
static void order_rows(u32 *places, const struct pm_aggregate *aggregate,
                       const struct ordering *ordering, size_t top)
{
    const size_t count = aggregate->row_count;
    bool some = top != 0 && top < count && top <= LARGEST_TOP;
    u64 least = some ? least_of_top(aggregate, ordering->order, top) : 0;
    const bool heavy_first = ordering->order == PM_ORDER_LIVE_BYTES;
    size_t front = 0, back = count;

    for (size_t i = 0; i < count; i++) {
        bool heavy = weight_of(&aggregate->rows[i], ordering->order) >= least;
        places[heavy == heavy_first ? front++ : --back] = (u32)i;
    }
    if (heavy_first)
        pm_sort_u32(places, front, compare_rows, ordering);
    else
        pm_sort_u32(places + back, count - back, compare_rows, ordering);
}

/* Moves the rows that asked for nothing, if they are not, to the front. */
static void put_empty_first(u32 *places, const struct pm_aggregate *aggregate)
{
    size_t empty = 0;

    for (size_t i = 0; i < aggregate->row_count; i++) {
        u32 place = places[i];
        if (aggregate->rows[place].total_blocks != 0)
            continue;
        places[i] = places[empty];
        places[empty++] = place;
    }
}

/* Makes the order, without the rows that it leaves out. */
static void sort(struct pm_aggregate *aggregate, const struct pm_profile *profile,
                 enum pm_order order, size_t top)
{
    struct ordering ordering = { profile, aggregate->rows, order };
    u32 *places = pm_alloc("pm.aggregate", (aggregate->row_count + 1) * sizeof *places);
    size_t kept = 0;

    order_rows(places, aggregate, &ordering, top);
    if (order == PM_ORDER_TOTAL_BYTES)
        put_empty_first(places, aggregate);
    for (size_t i = 0; i < aggregate->row_count; i++)
        if (order != PM_ORDER_LIVE_BYTES || aggregate->rows[places[i]].live_blocks > 0)
            places[kept++] = places[i];
    aggregate->order = places;
    aggregate->count = kept;
}

/* Which row a site is added to that is described by fresh: the next one if it is the first of its kind, as
   each is that is told by its stack. */
static u64 place_of(struct pm_map *by_key, enum pm_group group, const struct pm_row *fresh, u64 next)
{
    if (group == PM_GROUP_STACK)
        return next;
    u64 key = key_of(group, fresh);
    const u64 *found = pm_map_get(by_key, key);
    if (found != NULL)
        return *found;
    pm_map_put(by_key, key, next);
    return next;
}

void pm_aggregate_build(struct pm_aggregate *aggregate, const struct pm_profile *profile,
                        enum pm_group group, enum pm_order order, size_t top)
{
    const struct pm_sites *sites = profile->sites;
    u64 *best = pm_alloc_zero("pm.aggregate", (sites->count + 1) * sizeof *best);
    struct pm_map by_key;

    *aggregate = (struct pm_aggregate){ 0 };
    aggregate->rows = pm_alloc("pm.aggregate", (sites->count + 1) * sizeof *aggregate->rows);
    pm_map_init(&by_key);
    for (u32 i = 0; i < sites->count; i++) {
        const struct pm_site *site = pm_sites_at(sites, i);
        struct pm_row fresh;
        if (!describe(profile, group, site, &fresh))
            continue;
        u64 place = place_of(&by_key, group, &fresh, aggregate->row_count);
        struct pm_row *row = &aggregate->rows[place];
        if (place == aggregate->row_count) {
            *row = fresh;
            aggregate->row_count++;
        }
        if (site->total_bytes > best[place]) {
            best[place] = site->total_bytes;
            row->stack = site->stack;
            row->function = fresh.function;
        }
        add_site(row, profile, site);
        aggregate->total_bytes += site->total_bytes;
        aggregate->total_blocks += site->total_blocks;
        aggregate->live_bytes += site->live_bytes;
        aggregate->live_blocks += site->live_blocks;
    }
    pm_map_release(&by_key);
    pm_free(best);
    sort(aggregate, profile, order, top);
}

void pm_aggregate_release(struct pm_aggregate *aggregate)
{
    for (size_t i = 0; i < aggregate->row_count; i++)
        pm_histogram_release(&aggregate->rows[i].sizes);
    pm_free(aggregate->rows);
    pm_free(aggregate->order);
    *aggregate = (struct pm_aggregate){ 0 };
}
