/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tool/capture/pm_snapshot.h"

#include "base/pm_platform.h"

/* A snapshot that was compared so often in a row and was not right is dropped. In a run that
   imports much, keys come again with other frames, and nine of ten compares would fail. */
enum { MAX_FAILURES = 8 };

void pm_snapshots_init(struct pm_snapshots *snapshots, struct pm_reader *reader,
                       const struct pm_python *python)
{
    *snapshots = (struct pm_snapshots){ .reader = reader, .python = python };
    snapshots->entries = pm_alloc_zero("pm.snapshot", PM_SNAPSHOT_SETS * PM_SNAPSHOT_WAYS
                                                          * sizeof *snapshots->entries);
    snapshots->tags = pm_alloc_zero("pm.snapshot", PM_SNAPSHOT_SETS * PM_SNAPSHOT_WAYS
                                                       * sizeof *snapshots->tags);
    snapshots->next_way = pm_alloc_zero("pm.snapshot", PM_SNAPSHOT_SETS);
    snapshots->last = snapshots->entries;
}

/* The lower half selects the set, the upper half is the tag. */
static inline u32 hash_of(const struct pm_snapshot_key *key)
{
    u64 hash = (key->stack_pointer ^ key->instruction << 20 ^ key->python_position)
        * 0x9fb21c651e98df25ull;
    return (u32)(hash ^ hash >> 32);
}

static inline u32 set_of(u32 hash)
{
    return hash % PM_SNAPSHOT_SETS;
}

static inline u16 tag_of(u32 hash)
{
    return (u16)(hash >> 16);
}

static inline bool same_key(const struct pm_snapshot_key *a, const struct pm_snapshot_key *b)
{
    return ((a->stack_pointer ^ b->stack_pointer) | (a->instruction ^ b->instruction)
            | (a->slot ^ b->slot) | (a->python_position ^ b->python_position)) == 0;
}

/* Tags only grow, so their sum is the same only if each of them is. */
static bool same_code(const struct pm_python *python, const struct pm_snapshot *snapshot)
{
    u64 sum = 0;

    for (u32 i = 0; i < snapshot->code_count; i++)
        sum += python->code_tags[snapshot->code_tags[i]];
    return sum == snapshot->code_tags_sum;
}

/* An entry that can never be right again is emptied. */
static bool still_right(struct pm_snapshots *snapshots, struct pm_snapshot *snapshot)
{
    const struct pm_python *python = snapshots->python;

    if (!pm_watched_words_readable(&snapshot->words, snapshots->reader)) {
        snapshot->generation = 0;
        return false;
    }
    if (__builtin_expect(snapshot->code_deaths != python->code_deaths, 0)) {
        if (!same_code(python, snapshot)) {
            snapshot->generation = 0;
            return false;
        }
        snapshot->code_deaths = python->code_deaths;
    }
    return pm_watched_words_unchanged(&snapshot->words) == snapshot->words.count;
}

struct pm_snapshot *pm_snapshots_expected(struct pm_snapshots *snapshots,
                                          const struct pm_snapshot_key *key,
                                          u32 generation)
{
    struct pm_snapshot *next = snapshots->last->next;

    if (next == NULL || next->generation != generation
            || ((next->key.stack_pointer ^ key->stack_pointer)
                | (next->key.instruction ^ key->instruction) | (next->key.slot ^ key->slot)) != 0
            || !still_right(snapshots, next))
        return NULL;
    snapshots->last = next;
    if (next->next != NULL)
        pm_watched_words_prefetch(&next->next->words);
    return next;
}

struct pm_snapshot *pm_snapshots_find(struct pm_snapshots *snapshots,
                                      const struct pm_snapshot_key *key, u32 generation)
{
    const u32 hash = hash_of(key);
    u16 *tags = &snapshots->tags[set_of(hash) * PM_SNAPSHOT_WAYS];
    struct pm_snapshot *snapshot = &snapshots->entries[set_of(hash) * PM_SNAPSHOT_WAYS];

    for (unsigned way = 0; way < PM_SNAPSHOT_WAYS; way++, snapshot++) {
        if (tags[way] != tag_of(hash) || !same_key(&snapshot->key, key)
                || snapshot->generation != generation)
            continue;
        if (still_right(snapshots, snapshot)) {
            snapshot->failures = 0;
            snapshots->last->next = snapshot;
            snapshots->last = snapshot;
            return snapshot;
        }
        if (++snapshot->failures == MAX_FAILURES)
            snapshot->generation = tags[way] = 0;
    }
    return NULL;
}

/* False if a word cannot be watched. */
static bool keep_words(struct pm_reader *reader, struct pm_snapshot *snapshot,
                       const struct pm_trace *trace)
{
    pm_watched_words_reserve(&snapshot->words, trace->count);
    return pm_watched_words_add(&snapshot->words, reader, trace->words, trace->count);
}

static void keep_codes(const struct pm_python *python, struct pm_snapshot *snapshot,
                       const struct pm_raw_frame *frames, unsigned count)
{
    if (snapshot->code_capacity < count) {
        pm_free(snapshot->code_tags);
        snapshot->code_tags = pm_alloc("pm.snapshot", count * sizeof *snapshot->code_tags);
        snapshot->code_capacity = count;
    }
    for (unsigned i = 0; i < count; i++) {
        snapshot->code_tags[i] = (u16)pm_python_tag_place(frames[i].code);
        snapshot->code_tags_sum += pm_python_code_tag(python, frames[i].code);
    }
    snapshot->code_count = count;
}

void pm_snapshots_keep(struct pm_snapshots *snapshots, const struct pm_snapshot_key *key,
                       u32 generation, const struct pm_trace *trace,
                       const struct pm_raw_frame *frames, unsigned count,
                       struct pm_stack_id stack, u32 site, u32 debug_hooks)
{
    const u32 hash = hash_of(key), set = set_of(hash);

    if (trace->incomplete || trace->count > PM_SNAPSHOT_WORDS || count > PM_SNAPSHOT_WORDS)
        return;
    u32 place = set * PM_SNAPSHOT_WAYS + snapshots->next_way[set]++ % PM_SNAPSHOT_WAYS;
    struct pm_snapshot *snapshot = &snapshots->entries[place];
    snapshots->tags[place] = tag_of(hash);
    *snapshot = (struct pm_snapshot){
        .key = *key,
        .words = snapshot->words,
        .generation = generation,
        .code_deaths = snapshots->python->code_deaths,
        .stack = stack,
        .site = site,
        .debug_hooks = debug_hooks,
        .code_tags = snapshot->code_tags,
        .code_capacity = snapshot->code_capacity,
    };
    keep_codes(snapshots->python, snapshot, frames, count);
    if (!keep_words(snapshots->reader, snapshot, trace))
        snapshot->generation = 0;
}
