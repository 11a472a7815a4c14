/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Both sorts go back and forth between the items and one scratch array: bottom-up merge
   sort, and radix sort from the lowest digit on. */
#include "base/pm_sort.h"

#include "base/pm_platform.h"

static void merge(const u32 *from, u32 *to, size_t start, size_t middle, size_t end,
                  int (*compare)(const void *context, u32 a, u32 b), const void *context)
{
    size_t left = start, right = middle;

    for (size_t i = start; i < end; i++) {
        bool take_left = left < middle
            && (right >= end || compare(context, from[left], from[right]) <= 0);
        to[i] = take_left ? from[left++] : from[right++];
    }
}

void pm_sort_u32(u32 *items, size_t count, int (*compare)(const void *context, u32 a, u32 b),
                 const void *context)
{
    u32 *scratch = pm_alloc("pm.sort", count * sizeof *scratch);
    u32 *from = items, *to = scratch;

    for (size_t width = 1; width < count; width *= 2) {
        for (size_t start = 0; start < count; start += 2 * width) {
            size_t middle = start + width < count ? start + width : count;
            size_t end = start + 2 * width < count ? start + 2 * width : count;
            merge(from, to, start, middle, end, compare, context);
        }
        u32 *swap = from;
        from = to;
        to = swap;
    }
    if (from != items)
        pm_copy(items, from, count * sizeof *items);
    pm_free(scratch);
}

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS };

/* False, with nothing done: all items have the same digit. */
static bool sort_digit(const struct pm_keyed *from, struct pm_keyed *to, size_t count, unsigned shift,
                       size_t *places)
{
    size_t place = 0;

    pm_zero(places, DIGITS * sizeof *places);
    for (size_t i = 0; i < count; i++)
        places[from[i].key >> shift & (DIGITS - 1)]++;
    if (places[from[0].key >> shift & (DIGITS - 1)] == count)
        return false;
    for (size_t i = 0; i < DIGITS; i++) {
        size_t here = places[i];
        places[i] = place;
        place += here;
    }
    for (size_t i = 0; i < count; i++)
        to[places[from[i].key >> shift & (DIGITS - 1)]++] = from[i];
    return true;
}

void pm_sort_keyed(struct pm_keyed *items, size_t count)
{
    struct pm_keyed *scratch, *from = items, *to;
    size_t *places;

    if (count == 0)
        return;
    to = scratch = pm_alloc("pm.sort", count * sizeof *scratch);
    places = pm_alloc("pm.sort", DIGITS * sizeof *places);
    for (unsigned shift = 0; shift < 64; shift += DIGIT_BITS) {
        struct pm_keyed *swap = from;
        if (!sort_digit(from, to, count, shift, places))
            continue;
        from = to;
        to = swap;
    }
    if (from != items)
        pm_copy(items, from, count * sizeof *items);
    pm_free(places);
    pm_free(scratch);
}
