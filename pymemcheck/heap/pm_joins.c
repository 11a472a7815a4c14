/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A frame and one bit make a word: of a native frame, whether it is a boundary; of
   a Python frame, whether it is an entry. Empty entries are nodes of their own inside of
   their frame. */
#include "heap/pm_joins.h"

#include "base/pm_map.h"
#include "base/pm_platform.h"

enum { INITIAL_JOINS = 512, NUMBER_BITS = 27 };

/* A slot has five bits of the hash above the number. */
#define NUMBER_MASK (((u32)1 << NUMBER_BITS) - 1)

#define EMPTY_ENTRY UINT32_MAX

void pm_joins_init(struct pm_joins *joins, struct pm_stacks *stacks, u32 limit,
                   struct pm_frame_id more)
{
    *joins = (struct pm_joins){
        .stacks = stacks,
        .limit = limit,
        .more = more,
        .capacity = INITIAL_JOINS,
        .count = 1,
        .mask = 2 * INITIAL_JOINS - 1,
    };
    pm_sequences_init(&joins->natives);
    pm_stacks_init(&joins->pythons);
    joins->all = pm_alloc("pm.joins", INITIAL_JOINS * sizeof *joins->all);
    joins->all[0] = (struct pm_join){ .native = { 0 } };
    joins->slots = pm_alloc_zero("pm.joins", 2 * INITIAL_JOINS * sizeof *joins->slots);
}

void pm_joins_release(struct pm_joins *joins)
{
    pm_sequences_release(&joins->natives);
    pm_stacks_release(&joins->pythons);
    pm_free(joins->all);
    pm_free(joins->slots);
    pm_free(joins->native);
    pm_free(joins->python);
    pm_free(joins->joined);
    pm_free(joins->words);
    *joins = (struct pm_joins){ 0 };
}

/* Room for count items of bytes. */
static void *with_room(void *memory, size_t *capacity, size_t count, size_t bytes)
{
    if (count <= *capacity)
        return memory;
    *capacity = 2 * count;
    return pm_realloc("pm.joins", memory, *capacity * bytes);
}

static u32 word_of(struct pm_frame_id frame, bool bit)
{
    PM_ASSERT(frame.v < EMPTY_ENTRY / 2);
    return frame.v << 1 | bit;
}

struct pm_native_half pm_joins_native(struct pm_joins *joins,
                                      const struct pm_splice_native *frames, size_t count)
{
    joins->words = with_room(joins->words, &joins->words_capacity, count, sizeof *joins->words);
    for (size_t i = 0; i < count; i++)
        joins->words[i] = word_of(frames[i].frame, frames[i].boundary);
    return (struct pm_native_half){ pm_sequences_intern(&joins->natives, joins->words, count) };
}

struct pm_python_half pm_joins_python(struct pm_joins *joins, struct pm_python_half outer,
                                      const struct pm_splice_python *frame)
{
    const struct pm_frame_id word = { word_of(frame->frame, frame->entry) };
    struct pm_stack_id node = pm_stacks_push(&joins->pythons, (struct pm_stack_id){ outer.v }, word);

    for (u32 i = 0; i < frame->empty_entries; i++)
        node = pm_stacks_push(&joins->pythons, node, (struct pm_frame_id){ EMPTY_ENTRY });
    return (struct pm_python_half){ node.v };
}

static size_t take_native(struct pm_joins *joins, struct pm_native_half half)
{
    size_t count;
    const u32 *words = pm_sequences_words(&joins->natives, half.v, &count);

    joins->native = with_room(joins->native, &joins->native_capacity, count,
                              sizeof *joins->native);
    for (size_t i = 0; i < count; i++)
        joins->native[i] = (struct pm_splice_native){ { words[i] >> 1 }, words[i] & 1 };
    return count;
}

static size_t take_python(struct pm_joins *joins, struct pm_python_half half)
{
    struct pm_stack_id id = { half.v };
    size_t count = 0;
    u32 empty_entries = 0;

    while (id.v != 0) {
        struct pm_stack_node node = pm_stacks_node(&joins->pythons, id);
        id = node.parent;
        if (node.frame.v == EMPTY_ENTRY) {
            empty_entries++;
            continue;
        }
        joins->python = with_room(joins->python, &joins->python_capacity, count + 1,
                                  sizeof *joins->python);
        if (count == joins->limit) {
            joins->python[count++] = (struct pm_splice_python){ .frame = joins->more, .entry = true };
            break;
        }
        joins->python[count++] = (struct pm_splice_python){
            .frame = { node.frame.v >> 1 },
            .empty_entries = empty_entries,
            .entry = node.frame.v & 1,
        };
        empty_entries = 0;
    }
    return count;
}

static struct pm_stack_id join(struct pm_joins *joins, struct pm_native_half native,
                               struct pm_python_half python)
{
    size_t natives = take_native(joins, native), pythons = take_python(joins, python);

    joins->joined = with_room(joins->joined, &joins->joined_capacity, natives + pythons,
                              sizeof *joins->joined);
    size_t length = pm_splice(joins->native, natives, joins->python, pythons, joins->joined);
    return pm_stacks_intern(joins->stacks, joins->joined, length);
}

/* Where the joins of a Python half are looked for first. */
static u32 near(struct pm_python_half python)
{
    return python.v * 4;
}

void pm_joins_expect(const struct pm_joins *joins)
{
    __builtin_prefetch(&joins->slots[near(joins->all[joins->last].python) & joins->mask]);
}

struct place {
    u32 *slot;
    u32 tag;        /* of the join that is wanted, where it is in a slot */
};

/* The slot that has the join, or the empty one where it would go. The slots near those of joins with
   halves made about when this one was are tried first. */
static struct place find(const struct pm_joins *joins, struct pm_native_half native,
                         struct pm_python_half python)
{
    const u64 hash = pm_hash_u64((u64)native.v << 32 | python.v);
    const u32 tag = (u32)hash & ~NUMBER_MASK;

    for (u32 tries = 0;; tries++) {
        u32 *slot = &joins->slots[pm_near_slot(near(python), hash, tries, joins->mask)];
        if (*slot == 0)
            return (struct place){ slot, tag };
        if ((*slot & ~NUMBER_MASK) != tag)
            continue;
        const struct pm_join *join = &joins->all[*slot & NUMBER_MASK];
        if (join->native.v == native.v && join->python.v == python.v)
            return (struct place){ slot, tag };
    }
}

static void grow(struct pm_joins *joins)
{
    PM_ASSERT(joins->capacity < NUMBER_MASK / 2);
    joins->capacity *= 2;
    joins->mask = 2 * joins->capacity - 1;
    joins->all = pm_realloc("pm.joins", joins->all, joins->capacity * sizeof *joins->all);
    pm_free(joins->slots);
    joins->slots = pm_alloc_zero("pm.joins", ((size_t)joins->mask + 1) * sizeof *joins->slots);
    for (u32 number = 1; number < joins->count; number++) {
        struct place place = find(joins, joins->all[number].native, joins->all[number].python);
        *place.slot = place.tag | number;
    }
}

static u32 look_up(struct pm_joins *joins, struct pm_native_half native,
                   struct pm_python_half python)
{
    struct place place = find(joins, native, python);

    if (*place.slot != 0)
        return *place.slot & NUMBER_MASK;
    if (joins->count == joins->capacity) {
        grow(joins);
        place = find(joins, native, python);
    }
    joins->all[joins->count] = (struct pm_join){
        .native = native,
        .python = python,
        .stack = join(joins, native, python),
    };
    *place.slot = place.tag | joins->count;
    return joins->count++;
}

struct pm_join *pm_joins_stack(struct pm_joins *joins, struct pm_native_half native,
                               struct pm_python_half python)
{
    struct pm_join *last = &joins->all[joins->last];
    u32 number = last->next;

    if (joins->all[number].native.v != native.v || joins->all[number].python.v != python.v) {
        number = look_up(joins, native, python);
        joins->all[joins->last].next = number;
    }
    joins->last = number;
    __builtin_prefetch(&joins->all[joins->all[number].next]);
    return &joins->all[number];
}
