/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heap/pm_aggregate.h"

#include "base/pm_map.h"
#include "base/pm_platform.h"
#include "base/pm_sort.h"

/* Fills in the key of a sum's row in group; false if the sum has no row in it. Not for stacks. */
static bool describe(enum pm_group group, const struct pm_frame_sum *sum, struct pm_row *row)
{
    const struct pm_frame *frame = sum->frame;
    const bool is_python = frame != NULL && frame->kind == PM_FRAME_PYTHON;

    *row = (struct pm_row){ .stack = sum->stack };
    if (is_python == (group == PM_GROUP_CALLER))
        return false;
    if (frame == NULL)
        return true;
    row->function = frame->function;
    if (group == PM_GROUP_CALLER)
        row->object = frame->object;
    else
        row->file = frame->file;
    if (group == PM_GROUP_LINE)
        row->line = frame->line;
    return true;
}

/* Orders rows by the keys of their group. Not for stacks. */
static u64 key_of(enum pm_group group, const struct pm_row *row)
{
    if (group == PM_GROUP_CALLER)
        return (u64)row->object.v << 32 | row->function.v;
    return (u64)row->file.v << 32 | (group == PM_GROUP_LINE ? row->line : row->function.v);
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

/* The names of a place, in a frame or in a row. */
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

u64 pm_row_bytes(const struct pm_row *row, enum pm_order order)
{
    switch (order) {
    case PM_ORDER_TOTAL_BYTES:
        return row->figures.total_bytes;
    case PM_ORDER_LIVE_BYTES:
        return row->figures.live_bytes;
    case PM_ORDER_PEAK_BYTES:
        return row->figures.peak_bytes;
    case PM_ORDER_BEFORE_BYTES:
        return row->figures.before_bytes;
    }
    return 0;
}

u64 pm_row_blocks(const struct pm_row *row, enum pm_order order)
{
    switch (order) {
    case PM_ORDER_TOTAL_BYTES:
        return row->figures.total_blocks;
    case PM_ORDER_LIVE_BYTES:
        return row->figures.live_blocks;
    case PM_ORDER_PEAK_BYTES:
        return row->figures.peak_blocks;
    case PM_ORDER_BEFORE_BYTES:
        return row->figures.before_blocks;
    }
    return 0;
}

/* Stack ids depend on the order in which stacks were first seen. It is the same in equal runs,
   but readers want an order by names: ids never decide. */
static int compare_rows(const void *context, u32 i, u32 j)
{
    const struct ordering *ordering = context;
    const struct pm_profile *profile = ordering->profile;
    const struct pm_row *a = &ordering->rows[i], *b = &ordering->rows[j];
    int c;

    if (ordering->order == PM_ORDER_TOTAL_BYTES) {
        c = compare_numbers(a->figures.total_blocks != 0, b->figures.total_blocks != 0);
        if (c == 0)
            c = compare_numbers(a->figures.total_bytes, b->figures.total_bytes);
    } else {
        c = compare_numbers(pm_row_bytes(b, ordering->order), pm_row_bytes(a, ordering->order));
        if (c == 0)
            c = compare_numbers(pm_row_blocks(b, ordering->order), pm_row_blocks(a, ordering->order));
    }
    if (c == 0)
        c = compare_names(profile, (struct names){ a->object, a->file, a->function, a->line },
                          (struct names){ b->object, b->file, b->function, b->line });
    return c != 0 ? c : compare_stacks(profile, a->stack, b->stack);
}

/* The greatest weights so far, in descending order. Insertion is rare: few weights are among
   them. */
struct heaviest {
    u64 *weights;
    size_t count;
};

static void begin_heaviest(struct heaviest *heaviest, size_t count)
{
    heaviest->weights = pm_alloc_zero("pm.aggregate", count * sizeof *heaviest->weights);
    heaviest->count = count;
}

static void add_weight(struct heaviest *heaviest, u64 weight)
{
    u64 *weights = heaviest->weights;
    size_t place = heaviest->count;

    if (weight <= weights[place - 1])
        return;
    for (; place > 1 && weights[place - 2] < weight; place--)
        weights[place - 1] = weights[place - 2];
    weights[place - 1] = weight;
}

static u64 end_heaviest(struct heaviest *heaviest)
{
    u64 least = heaviest->weights[heaviest->count - 1];

    pm_free(heaviest->weights);
    return least;
}

enum { LARGEST_TOP = 1000 };

static bool is_some(size_t top, size_t count)
{
    return top != 0 && top < count && top <= LARGEST_TOP;
}

/* The weight of the top-th heaviest row; 0 if all rows are wanted. */
static u64 least_of_top(const struct pm_aggregate *aggregate, enum pm_order order, size_t top)
{
    struct heaviest heaviest;

    if (!is_some(top, aggregate->row_count))
        return 0;
    begin_heaviest(&heaviest, top);
    for (size_t i = 0; i < aggregate->row_count; i++)
        add_weight(&heaviest, pm_row_bytes(&aggregate->rows[i], order));
    return end_heaviest(&heaviest);
}

/* How many bytes a site must have requested to get a row of its own, in a group of stacks. */
static u64 least_of_sites(const struct pm_sites *sites, enum pm_order order, size_t top)
{
    struct heaviest heaviest;

    if (order != PM_ORDER_TOTAL_BYTES || !is_some(top, sites->count))
        return 0;
    begin_heaviest(&heaviest, top);
    for (u32 i = 0; i < sites->count; i++)
        add_weight(&heaviest, pm_sites_at(sites, i)->total_bytes);
    return end_heaviest(&heaviest);
}

/* Fills places with the numbers of all rows. Sorts those whose order matters. */
static void order_rows(u32 *places, const struct pm_aggregate *aggregate,
                       const struct ordering *ordering, size_t top)
{
    const size_t count = aggregate->row_count;
    const u64 least = least_of_top(aggregate, ordering->order, top);
    const bool heavy_first = ordering->order != PM_ORDER_TOTAL_BYTES;
    size_t front = 0, back = count;

    for (size_t i = 0; i < count; i++) {
        bool heavy = pm_row_bytes(&aggregate->rows[i], ordering->order) >= least;
        places[heavy == heavy_first ? front++ : --back] = (u32)i;
    }
    if (heavy_first)
        pm_sort_u32(places, front, compare_rows, ordering);
    else
        pm_sort_u32(places + back, count - back, compare_rows, ordering);
}

/* Moves rows without requests, unless they are sorted there already, to the front. */
static void put_empty_first(u32 *places, const struct pm_aggregate *aggregate)
{
    size_t empty = 0;

    for (size_t i = 0; i < aggregate->row_count; i++) {
        u32 place = places[i];
        if (aggregate->rows[place].figures.total_blocks != 0)
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
        if (order == PM_ORDER_TOTAL_BYTES || pm_row_blocks(&aggregate->rows[places[i]], order) > 0)
            places[kept++] = places[i];
    aggregate->order = places;
    aggregate->count = kept;
}

static void leave_out(struct pm_aggregate *aggregate, const struct pm_site *site)
{
    aggregate->left_out += site->total_blocks > 0;
    aggregate->left_out_bytes += site->total_bytes;
    aggregate->left_out_blocks += site->total_blocks;
}

/* A row for each site, or for the largest sites if only these are wanted. */
static void build_stacks(struct pm_aggregate *aggregate, const struct pm_profile *profile,
                         enum pm_order order, size_t top)
{
    const struct pm_sites *sites = profile->sites;
    const u64 least = least_of_sites(sites, order, top);

    aggregate->rows = pm_alloc("pm.aggregate", (sites->count + 1) * sizeof *aggregate->rows);
    for (u32 i = 0; i < sites->count; i++) {
        const struct pm_site *site = pm_sites_at(sites, i);
        aggregate->total_bytes += site->total_bytes;
        aggregate->total_blocks += site->total_blocks;
        aggregate->live_bytes += site->live_bytes;
        aggregate->live_blocks += site->live_blocks;
        aggregate->peak_bytes += pm_sites_peak_bytes(sites, site);
        aggregate->peak_blocks += pm_sites_peak_blocks(sites, site);
        if (site->total_bytes < least) {
            leave_out(aggregate, site);
            continue;
        }
        struct pm_row *row = &aggregate->rows[aggregate->row_count++];
        *row = (struct pm_row){ .stack = pm_site_stack(site) };
        pm_figures_add_site(&row->figures, profile, i);
    }
}

/* A row takes its stack, and a line its function's name, from the site with the most bytes.
   leader has the sum of that site, for each row. */
static void add_sum(struct pm_row *row, const struct pm_row *fresh,
                    const struct pm_frame_sum **leader, const struct pm_frame_sum *sum)
{
    if (sum->most_bytes > (*leader)->most_bytes
        || (sum->most_bytes == (*leader)->most_bytes && sum->most_site < (*leader)->most_site)) {
        *leader = sum;
        row->stack = fresh->stack;
        row->function = fresh->function;
    }
    pm_figures_add(&row->figures, &sum->figures);
}

/* Rows of the groups that go by frame. */
static void build_rows(struct pm_aggregate *aggregate, const struct pm_frame_sums *sums,
                       enum pm_group group)
{
    const struct pm_frame_sum **leaders = pm_alloc("pm.aggregate",
                                                   (sums->count + 1) * sizeof *leaders);
    struct pm_map by_key;

    pm_map_init(&by_key);
    aggregate->rows = pm_alloc("pm.aggregate", (sums->count + 1) * sizeof *aggregate->rows);
    for (u32 i = 0; i < sums->count; i++) {
        const struct pm_frame_sum *sum = &sums->sums[i];
        struct pm_row fresh;
        if (!describe(group, sum, &fresh))
            continue;
        aggregate->total_bytes += sum->figures.total_bytes;
        aggregate->total_blocks += sum->figures.total_blocks;
        aggregate->live_bytes += sum->figures.live_bytes;
        aggregate->live_blocks += sum->figures.live_blocks;
        aggregate->peak_bytes += sum->figures.peak_bytes;
        aggregate->peak_blocks += sum->figures.peak_blocks;
        aggregate->before_bytes += sum->figures.before_bytes;
        aggregate->before_blocks += sum->figures.before_blocks;
        const u64 *found = pm_map_get(&by_key, key_of(group, &fresh));
        u64 place = found != NULL ? *found : aggregate->row_count;
        if (found == NULL) {
            pm_map_put(&by_key, key_of(group, &fresh), place);
            aggregate->rows[place] = fresh;
            leaders[place] = sum;
            aggregate->row_count++;
        }
        add_sum(&aggregate->rows[place], &fresh, &leaders[place], sum);
    }
    pm_map_release(&by_key);
    pm_free(leaders);
}

void pm_aggregate_build(struct pm_aggregate *aggregate, const struct pm_frame_sums *sums,
                        enum pm_group group, enum pm_order order, size_t top)
{
    *aggregate = (struct pm_aggregate){ 0 };
    if (group == PM_GROUP_STACK)
        build_stacks(aggregate, sums->profile, order, top);
    else
        build_rows(aggregate, sums, group);
    sort(aggregate, sums->profile, order, top);
}

void pm_aggregate_release(struct pm_aggregate *aggregate)
{
    for (size_t i = 0; i < aggregate->row_count; i++)
        pm_histogram_release(&aggregate->rows[i].figures.sizes);
    pm_free(aggregate->rows);
    pm_free(aggregate->order);
    *aggregate = (struct pm_aggregate){ 0 };
}
