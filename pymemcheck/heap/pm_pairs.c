/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A frame and one bit make a word. The bit of a native frame says whether it is a boundary, the
   bit of a Python frame whether it is an entry. Empty entries are nodes of their own, inside of
   their frame. */
#include "heap/pm_pairs.h"

#include "base/pm_map.h"
#include "base/pm_platform.h"

enum { INITIAL_PAIRS = 512, NUMBER_BITS = 27 };

/* A cell has five bits of the hash above the number. */
#define NUMBER_MASK (((u32)1 << NUMBER_BITS) - 1)

#define EMPTY_ENTRY UINT32_MAX

void pm_pairs_init(struct pm_pairs *pairs, struct pm_stacks *stacks, u32 limit,
                   struct pm_frame_id more)
{
    *pairs = (struct pm_pairs){
        .stacks = stacks,
        .limit = limit,
        .more = more,
        .capacity = INITIAL_PAIRS,
        .count = 1,
        .mask = 2 * INITIAL_PAIRS - 1,
    };
    pm_sequences_init(&pairs->natives);
    pm_stacks_init(&pairs->pythons);
    pairs->all = pm_alloc("pm.pairs", INITIAL_PAIRS * sizeof *pairs->all);
    pairs->all[0] = (struct pm_pair){ .native = { 0 } };
    pairs->cells = pm_alloc_zero("pm.pairs", 2 * INITIAL_PAIRS * sizeof *pairs->cells);
}

void pm_pairs_release(struct pm_pairs *pairs)
{
    pm_sequences_release(&pairs->natives);
    pm_stacks_release(&pairs->pythons);
    pm_free(pairs->all);
    pm_free(pairs->cells);
    pm_free(pairs->native);
    pm_free(pairs->python);
    pm_free(pairs->mixed);
    pm_free(pairs->words);
    *pairs = (struct pm_pairs){ 0 };
}

/* Room for count items of bytes. */
static void *with_room(void *memory, size_t *capacity, size_t count, size_t bytes)
{
    if (count <= *capacity)
        return memory;
    *capacity = 2 * count;
    return pm_realloc("pm.pairs", memory, *capacity * bytes);
}

static u32 word_of(struct pm_frame_id frame, bool bit)
{
    PM_ASSERT(frame.v < EMPTY_ENTRY / 2);
    return frame.v << 1 | bit;
}

struct pm_native_part pm_pairs_native(struct pm_pairs *pairs,
                                      const struct pm_splice_native *frames, size_t count)
{
    pairs->words = with_room(pairs->words, &pairs->words_capacity, count, sizeof *pairs->words);
    for (size_t i = 0; i < count; i++)
        pairs->words[i] = word_of(frames[i].frame, frames[i].boundary);
    return (struct pm_native_part){ pm_sequences_intern(&pairs->natives, pairs->words, count) };
}

struct pm_python_part pm_pairs_python(struct pm_pairs *pairs, struct pm_python_part outer,
                                      const struct pm_splice_python *frame)
{
    const struct pm_frame_id word = { word_of(frame->frame, frame->entry) };
    struct pm_stack_id node = pm_stacks_push(&pairs->pythons, (struct pm_stack_id){ outer.v }, word);

    for (u32 i = 0; i < frame->empty_entries; i++)
        node = pm_stacks_push(&pairs->pythons, node, (struct pm_frame_id){ EMPTY_ENTRY });
    return (struct pm_python_part){ node.v };
}

static size_t unpack_native(struct pm_pairs *pairs, struct pm_native_part part)
{
    size_t count;
    const u32 *words = pm_sequences_words(&pairs->natives, part.v, &count);

    pairs->native = with_room(pairs->native, &pairs->native_capacity, count,
                              sizeof *pairs->native);
    for (size_t i = 0; i < count; i++)
        pairs->native[i] = (struct pm_splice_native){ { words[i] >> 1 }, words[i] & 1 };
    return count;
}

static size_t unpack_python(struct pm_pairs *pairs, struct pm_python_part part)
{
    struct pm_stack_id id = { part.v };
    size_t count = 0;
    u32 empty_entries = 0;

    while (id.v != 0) {
        struct pm_stack_node node = pm_stacks_node(&pairs->pythons, id);
        id = node.parent;
        if (node.frame.v == EMPTY_ENTRY) {
            empty_entries++;
            continue;
        }
        pairs->python = with_room(pairs->python, &pairs->python_capacity, count + 1,
                                  sizeof *pairs->python);
        if (count == pairs->limit) {
            pairs->python[count++] = (struct pm_splice_python){ .frame = pairs->more, .entry = true };
            break;
        }
        pairs->python[count++] = (struct pm_splice_python){
            .frame = { node.frame.v >> 1 },
            .empty_entries = empty_entries,
            .entry = node.frame.v & 1,
        };
        empty_entries = 0;
    }
    return count;
}

static struct pm_stack_id mix(struct pm_pairs *pairs, struct pm_native_part native,
                               struct pm_python_part python)
{
    size_t natives = unpack_native(pairs, native), pythons = unpack_python(pairs, python);

    pairs->mixed = with_room(pairs->mixed, &pairs->mixed_capacity, natives + pythons,
                              sizeof *pairs->mixed);
    size_t length = pm_splice(pairs->native, natives, pairs->python, pythons, pairs->mixed);
    return pm_stacks_intern(pairs->stacks, pairs->mixed, length);
}

/* Where the search for pairs of a Python part begins. */
static u32 near(struct pm_python_part python)
{
    return python.v * 4;
}

void pm_pairs_prefetch(const struct pm_pairs *pairs)
{
    __builtin_prefetch(&pairs->cells[near(pairs->all[pairs->last].python) & pairs->mask]);
}

struct place {
    u32 *cell;
    u32 tag;        /* of the wanted pair: the upper bits of its cell */
};

/* The cell that has the pair, or the empty one where it would go. Parts that were made at about
   the same time have their pairs in cells near each other, which are tried first. */
static struct place find(const struct pm_pairs *pairs, struct pm_native_part native,
                         struct pm_python_part python)
{
    const u64 hash = pm_hash_u64((u64)native.v << 32 | python.v);
    const u32 tag = (u32)hash & ~NUMBER_MASK;

    for (u32 tries = 0;; tries++) {
        u32 *cell = &pairs->cells[pm_near_cell(near(python), hash, tries, pairs->mask)];
        if (*cell == 0)
            return (struct place){ cell, tag };
        if ((*cell & ~NUMBER_MASK) != tag)
            continue;
        const struct pm_pair *pair = &pairs->all[*cell & NUMBER_MASK];
        if (pair->native.v == native.v && pair->python.v == python.v)
            return (struct place){ cell, tag };
    }
}

static void grow(struct pm_pairs *pairs)
{
    PM_ASSERT(pairs->capacity < NUMBER_MASK / 2);
    pairs->capacity *= 2;
    pairs->mask = 2 * pairs->capacity - 1;
    pairs->all = pm_realloc("pm.pairs", pairs->all, pairs->capacity * sizeof *pairs->all);
    pm_free(pairs->cells);
    pairs->cells = pm_alloc_zero("pm.pairs", ((size_t)pairs->mask + 1) * sizeof *pairs->cells);
    for (u32 number = 1; number < pairs->count; number++) {
        struct place place = find(pairs, pairs->all[number].native, pairs->all[number].python);
        *place.cell = place.tag | number;
    }
}

static u32 look_up(struct pm_pairs *pairs, struct pm_native_part native,
                   struct pm_python_part python)
{
    struct place place = find(pairs, native, python);

    if (*place.cell != 0)
        return *place.cell & NUMBER_MASK;
    if (pairs->count == pairs->capacity) {
        grow(pairs);
        place = find(pairs, native, python);
    }
    pairs->all[pairs->count] = (struct pm_pair){
        .native = native,
        .python = python,
        .stack = mix(pairs, native, python),
    };
    *place.cell = place.tag | pairs->count;
    return pairs->count++;
}

struct pm_pair *pm_pairs_stack(struct pm_pairs *pairs, struct pm_native_part native,
                               struct pm_python_part python)
{
    struct pm_pair *last = &pairs->all[pairs->last];
    u32 number = last->next;

    if (pairs->all[number].native.v != native.v || pairs->all[number].python.v != python.v) {
        number = look_up(pairs, native, python);
        pairs->all[pairs->last].next = number;
    }
    pairs->last = number;
    __builtin_prefetch(&pairs->all[pairs->all[number].next]);
    return &pairs->all[number];
}
