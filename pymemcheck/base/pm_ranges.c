/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/pm_ranges.h"

#include "base/pm_platform.h"

void pm_ranges_release(struct pm_ranges *ranges)
{
    pm_free(ranges->entries);
    *ranges = (struct pm_ranges){ 0 };
}

/* How many ranges end at or before address. */
static u32 count_before(const struct pm_ranges *ranges, u64 address)
{
    u32 low = 0, high = ranges->count;

    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (ranges->entries[middle].end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Makes room for one more at place at. */
static void open_gap(struct pm_ranges *ranges, u32 at)
{
    if (ranges->count == ranges->capacity) {
        ranges->capacity = ranges->capacity ? ranges->capacity * 2 : 64;
        ranges->entries = pm_realloc("pm.ranges", ranges->entries,
                                     ranges->capacity * sizeof *ranges->entries);
    }
    for (u32 i = ranges->count++; i > at; i--)
        ranges->entries[i] = ranges->entries[i - 1];
}

static bool is_empty(u64 start, u64 bytes)
{
    return bytes == 0 || start + bytes < start;
}

void pm_ranges_remove(struct pm_ranges *ranges, u64 start, u64 bytes)
{
    u64 end = start + bytes;
    u32 first = count_before(ranges, start), kept = first, i = first;

    if (is_empty(start, bytes))
        return;
    if (first < ranges->count && ranges->entries[first].start < start) {
        if (ranges->entries[first].end > end) {
            open_gap(ranges, first);
            ranges->entries[first].end = start;
            ranges->entries[first + 1].start = end;
            return;
        }
        ranges->entries[first].end = start;
        kept = i = first + 1;
    }
    while (i < ranges->count && ranges->entries[i].end <= end)
        i++;
    if (i < ranges->count && ranges->entries[i].start < end)
        ranges->entries[i].start = end;
    while (i < ranges->count)
        ranges->entries[kept++] = ranges->entries[i++];
    ranges->count = kept;
}

void pm_ranges_add(struct pm_ranges *ranges, u64 start, u64 bytes)
{
    if (is_empty(start, bytes))
        return;
    pm_ranges_remove(ranges, start, bytes);
    u32 at = count_before(ranges, start);
    open_gap(ranges, at);
    ranges->entries[at] = (struct pm_range){ start, start + bytes };
}

const struct pm_range *pm_ranges_at(const struct pm_ranges *ranges, u64 address)
{
    u32 at = count_before(ranges, address);

    return at < ranges->count && ranges->entries[at].start <= address ? &ranges->entries[at] : NULL;
}

bool pm_ranges_overlap(const struct pm_ranges *ranges, u64 start, u64 bytes)
{
    u32 at = count_before(ranges, start);

    return !is_empty(start, bytes) && at < ranges->count
        && ranges->entries[at].start < start + bytes;
}
