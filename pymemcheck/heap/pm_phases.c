/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is live of each phase: the ends of all ranges cut the serials into pieces. A block is counted for its
   piece, found by a binary search. The sum of all pieces up to each one then gives the sum of any range by
   one subtraction. */
#include "heap/pm_phases.h"

#include "base/pm_platform.h"
#include "base/pm_sort.h"

void pm_phases_init(struct pm_phases *phases)
{
    *phases = (struct pm_phases){ 0 };
    pm_map_init(&phases->by_name);
}

void pm_phases_release(struct pm_phases *phases)
{
    pm_map_release(&phases->by_name);
    pm_free(phases->entries);
    pm_free(phases->open);
    pm_free(phases->ranges);
    *phases = (struct pm_phases){ 0 };
}

/* Room for one more entry of bytes in an array that grows. */
static void *with_room(void *array, u32 count, u32 *capacity, size_t bytes)
{
    if (count < *capacity)
        return array;
    *capacity = *capacity ? *capacity * 2 : 16;
    return pm_realloc("pm.phases", array, *capacity * bytes);
}

/* --- Ranges --- */

static void add_range(struct pm_phases *phases, u32 phase, u64 first, u64 last)
{
    struct pm_phase_range *newest = phases->range_count > 0 ? &phases->ranges[phases->range_count - 1] : NULL;

    if (first > last)
        return;
    if (newest != NULL && newest->phase == phase && newest->last + 1 == first) {
        newest->last = last;
        return;
    }
    if (phases->range_count == PM_PHASES_MOST_RANGES) {
        phases->entries[phase].live_known = false;
        return;
    }
    phases->ranges = with_room(phases->ranges, phases->range_count, &phases->range_capacity, sizeof *phases->ranges);
    phases->ranges[phases->range_count++] = (struct pm_phase_range){ first, last, phase };
}

/* --- Begin and end --- */

static struct pm_phase *find_or_add(struct pm_phases *phases, struct pm_string_id name, u64 first_serial)
{
    const u64 *known = pm_map_get(&phases->by_name, name.v);

    if (known != NULL)
        return &phases->entries[*known];
    if (phases->count == PM_PHASES_MOST)
        return NULL;
    phases->entries = with_room(phases->entries, phases->count, &phases->capacity, sizeof *phases->entries);
    pm_map_put(&phases->by_name, name.v, phases->count);
    phases->entries[phases->count] = (struct pm_phase){
        .name = name, .first_serial = first_serial, .live_known = true,
    };
    return &phases->entries[phases->count++];
}

/* Adds what happened since it was opened, or last counted. */
static void count(struct pm_phases *phases, struct pm_phase *phase, const struct pm_phase_figures *now)
{
    const struct pm_phase_figures *begin = &phase->begin;

    phase->allocs += now->allocs - begin->allocs;
    phase->frees += now->frees - begin->frees;
    phase->bytes += now->bytes - begin->bytes;
    phase->grown_bytes += (i64)(now->live_bytes - begin->live_bytes);
    phase->grown_blocks += (i64)(now->live_blocks - begin->live_blocks);
    phase->last_serial = now->serial;
    add_range(phases, (u32)(phase - phases->entries), begin->serial + 1, now->serial);
    phase->begin = *now;
}

bool pm_phases_begin(struct pm_phases *phases, struct pm_string_id name, u32 thread,
                     const struct pm_phase_figures *now)
{
    if (phases->open_count == PM_PHASES_MOST_OPEN)
        return false;
    struct pm_phase *phase = find_or_add(phases, name, now->serial + 1);
    if (phase == NULL)
        return false;
    phases->open = with_room(phases->open, phases->open_count, &phases->open_capacity, sizeof *phases->open);
    phases->open[phases->open_count++] = (struct pm_phase_open){ (u32)(phase - phases->entries), thread };
    if (phase->open++ == 0)
        phase->begin = *now;
    phase->times++;
    return true;
}

/* The place in open of the thread's innermost phase, plus 1; 0: there is none. */
static u32 innermost(const struct pm_phases *phases, u32 thread)
{
    u32 at = phases->open_count;

    while (at > 0 && phases->open[at - 1].thread != thread)
        at--;
    return at;
}

static void close(struct pm_phases *phases, u32 at, const struct pm_phase_figures *now)
{
    struct pm_phase *phase = &phases->entries[phases->open[at].phase];

    if (--phase->open == 0)
        count(phases, phase, now);
    phases->open_count--;
    pm_move(&phases->open[at], &phases->open[at + 1], (phases->open_count - at) * sizeof *phases->open);
}

bool pm_phases_end(struct pm_phases *phases, struct pm_string_id name, u32 thread,
                   const struct pm_phase_figures *now)
{
    const u32 at = innermost(phases, thread);

    if (at == 0 || phases->entries[phases->open[at - 1].phase].name.v != name.v)
        return false;
    close(phases, at - 1, now);
    return true;
}

u32 pm_phases_end_thread(struct pm_phases *phases, u32 thread, const struct pm_phase_figures *now)
{
    u32 closed = 0;

    for (u32 at = phases->open_count; at-- > 0;)
        if (thread == 0 || phases->open[at].thread == thread) {
            close(phases, at, now);
            closed++;
        }
    return closed;
}

void pm_phases_keep_thread(struct pm_phases *phases, u32 thread, const struct pm_phase_figures *now)
{
    for (u32 at = phases->open_count; at-- > 0;)
        if (phases->open[at].thread != thread)
            close(phases, at, now);
}

const struct pm_phase *pm_phases_innermost(const struct pm_phases *phases, u32 thread)
{
    const u32 at = innermost(phases, thread);
    return at == 0 ? NULL : &phases->entries[phases->open[at - 1].phase];
}

/* --- What is live --- */

/* Piece number i has the serials from starts[i] on, up to the next one's start. */
struct pieces {
    u64 *starts;
    struct piece_sum {
        u64 bytes, blocks;              /* of this piece; later of all up to it */
    } *sums;
    u32 count;
};

/* The piece with the serial. The first one begins at 0. */
static u32 piece_of(const struct pieces *pieces, u64 serial)
{
    u32 low = 0, high = pieces->count;

    while (high - low > 1) {
        const u32 middle = low + (high - low) / 2;
        if (pieces->starts[middle] <= serial)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static void cut(struct pieces *pieces, const struct pm_phases *phases)
{
    const u32 cuts = 2 * phases->range_count;
    struct pm_keyed *order = pm_alloc("pm.phases", (cuts + 1) * sizeof *order);

    for (u32 i = 0; i < phases->range_count; i++) {
        order[2 * i] = (struct pm_keyed){ phases->ranges[i].first, 0 };
        order[2 * i + 1] = (struct pm_keyed){ phases->ranges[i].last + 1, 0 };
    }
    pm_sort_keyed(order, cuts);
    pieces->starts = pm_alloc("pm.phases", (cuts + 1) * sizeof *pieces->starts);
    pieces->starts[0] = 0;
    pieces->count = 1;
    for (u32 i = 0; i < cuts; i++)
        if (order[i].key != pieces->starts[pieces->count - 1])
            pieces->starts[pieces->count++] = order[i].key;
    pieces->sums = pm_alloc_zero("pm.phases", pieces->count * sizeof *pieces->sums);
    pm_free(order);
}

static void add_block(void *context, u64 serial, u64 bytes)
{
    struct pieces *pieces = context;
    struct piece_sum *sum = &pieces->sums[piece_of(pieces, serial)];

    sum->bytes += bytes;
    sum->blocks++;
}

static void add_up(struct pm_phases *phases, struct pieces *pieces)
{
    for (u32 i = 1; i < pieces->count; i++) {
        pieces->sums[i].bytes += pieces->sums[i - 1].bytes;
        pieces->sums[i].blocks += pieces->sums[i - 1].blocks;
    }
    for (u32 i = 0; i < phases->range_count; i++) {
        const struct pm_phase_range *range = &phases->ranges[i];
        const struct piece_sum *before = &pieces->sums[piece_of(pieces, range->first) - 1];
        const struct piece_sum *until = &pieces->sums[piece_of(pieces, range->last)];
        phases->entries[range->phase].live_bytes += until->bytes - before->bytes;
        phases->entries[range->phase].live_blocks += until->blocks - before->blocks;
    }
}

void pm_phases_settle(struct pm_phases *phases, const struct pm_phase_figures *now,
                      void (*each)(void *context, void (*add_block)(void *sums, u64 serial, u64 bytes),
                                   void *sums),
                      void *context)
{
    struct pieces pieces;

    for (u32 i = 0; i < phases->count; i++) {
        struct pm_phase *phase = &phases->entries[i];
        if (phase->open > 0)
            count(phases, phase, now);
        phase->live_bytes = phase->live_blocks = 0;
    }
    cut(&pieces, phases);
    each(context, add_block, &pieces);
    add_up(phases, &pieces);
    pm_free(pieces.starts);
    pm_free(pieces.sums);
}
