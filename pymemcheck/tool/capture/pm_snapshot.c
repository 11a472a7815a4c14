/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The content of a snapshot is one array, read from its beginning on, of

       wholes  a word's place in our own address space, its value
       parts   the same of a word of which only some bits count, its mask
       pages   the number of a page that a word is in, where its bytes are
       codes   places of the code objects' tags, 16 bits each, up to a full u64,
               then the sum of the tags

   Words are read where they are, without asking whether they may be: that was
   asked for their pages, and is asked again when the reader's generation has
   changed. Tags only grow, so their sum is the same only if each is. */
#include "tool/capture/pm_snapshot.h"

#include "base/pm_platform.h"

enum { PLACES_PER_U64 = sizeof(u64) / sizeof(u16) };

/* A snapshot that was looked at so often in a row and was not right is dropped. In a run that imports
   much, where keys come again with other frames, nine of ten looks would be in vain. */
enum { OFTEN_IN_VAIN = 8 };

/* A period is long enough for all entries to be filled with what comes again. A rest is so long, or up to
   2^MOST_DOUBLINGS times. */
enum { PERIOD_STACKS = 1 << 16, MOST_DOUBLINGS = 3 };

/* In about 15 ns: what a stack costs that need not be computed; what each look costs, which is
   nearly all that is to be done if it is right; what keeping a snapshot costs. Measured by perf, with imports
   (tests/bench/workloads/import_heavy.py, import_once.py), with and without snapshots. */
enum { WORTH_STACK = 18, COST_ASK = 1, COST_FIND = 4, COST_LOOK = 5, COST_KEEP = 70 };

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
    snapshots->left = PERIOD_STACKS;
}

static void begin_period(struct pm_snapshots *snapshots)
{
    snapshots->resting = !snapshots->resting && snapshots->balance < 0;
    snapshots->left = PERIOD_STACKS;
    if (snapshots->resting) {
        snapshots->left <<= snapshots->rests;
        snapshots->rests += snapshots->rests < MOST_DOUBLINGS;
    } else if (snapshots->balance > 0) {
        snapshots->rests = 0;
    }
    snapshots->balance = 0;
}

bool pm_snapshots_pay(struct pm_snapshots *snapshots)
{
    if (--snapshots->left == 0)
        begin_period(snapshots);
    return !snapshots->resting;
}

/* The lower half says which set, the upper half is the tag. */
static inline u32 hash_of(const struct pm_snapshot_key *key)
{
    u64 hash = (key->stack_pointer ^ key->instruction << 20 ^ key->hint) * 0x9fb21c651e98df25ull;
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
            | (a->slot ^ b->slot) | (a->hint ^ b->hint)) == 0;
}

static inline u64 word_at(u64 place)
{
    u64 word;
    pm_copy(&word, (const u8 *)place, sizeof word);
    return word;
}

static bool same_words(const struct pm_snapshot *snapshot)
{
    const u64 *at = snapshot->content, *end = at + snapshot->wholes * 2;

    for (; at < end; at += 2)
        if (word_at(at[0]) != at[1])
            return false;
    for (end += snapshot->parts * 3; at < end; at += 3)
        if ((word_at(at[0]) & at[2]) != at[1])
            return false;
    return true;
}

static u64 *pages_of(const struct pm_snapshot *snapshot)
{
    return snapshot->content + snapshot->wholes * 2 + snapshot->parts * 3;
}

static bool same_pages(struct pm_reader *reader, const struct pm_snapshot *snapshot)
{
    const u64 *page = pages_of(snapshot), *end = page + snapshot->pages * 2;

    for (; page < end; page += 2)
        if ((u64)pm_reader_page(reader, page[0]) != page[1])
            return false;
    return true;
}

static bool same_code(const struct pm_python *python, const struct pm_snapshot *snapshot)
{
    const u64 *codes = pages_of(snapshot) + snapshot->pages * 2;
    const u16 *places = (const u16 *)codes;
    u64 sum = 0;

    for (unsigned i = 0; i < snapshot->codes; i++)
        sum += python->code_tags[places[i]];
    return sum == codes[(snapshot->codes + PLACES_PER_U64 - 1) / PLACES_PER_U64];
}

/* What was looked at is marked as such. An entry that can never be right again
   is emptied. */
static bool still_right(struct pm_snapshots *snapshots, struct pm_snapshot *snapshot)
{
    const struct pm_python *python = snapshots->python;
    struct pm_reader *reader = snapshots->reader;

    snapshots->balance -= COST_LOOK;
    if (__builtin_expect(snapshot->reader_generation != reader->generation, 0)) {
        if (!same_pages(reader, snapshot)) {
            snapshot->generation = 0;
            return false;
        }
        snapshot->reader_generation = reader->generation;
    }
    if (__builtin_expect(snapshot->code_deaths != python->code_deaths, 0)) {
        if (!same_code(python, snapshot)) {
            snapshot->generation = 0;
            return false;
        }
        snapshot->code_deaths = python->code_deaths;
    }
    if (!same_words(snapshot))
        return false;
    snapshots->balance += WORTH_STACK;
    return true;
}

/* What is looked at next will be in the processor's cache. */
static inline void prepare_next(const struct pm_snapshot *snapshot)
{
    enum { LINE_U64S = 8, LINES = 6 };
    const struct pm_snapshot *next = snapshot->next;

    if (next == NULL)
        return;
    for (unsigned line = 0; line < LINES; line++)
        __builtin_prefetch(next->content + line * LINE_U64S);
}

struct pm_snapshot *pm_snapshots_expected(struct pm_snapshots *snapshots,
                                          const struct pm_snapshot_key *key,
                                          u32 generation)
{
    struct pm_snapshot *next = snapshots->last->next;

    snapshots->balance -= COST_ASK;
    if (next == NULL || next->generation != generation
            || ((next->key.stack_pointer ^ key->stack_pointer)
                | (next->key.instruction ^ key->instruction) | (next->key.slot ^ key->slot)) != 0
            || !still_right(snapshots, next))
        return NULL;
    snapshots->last = next;
    prepare_next(next);
    return next;
}

struct pm_snapshot *pm_snapshots_find(struct pm_snapshots *snapshots,
                                      const struct pm_snapshot_key *key, u32 generation)
{
    const u32 hash = hash_of(key);
    u16 *tags = &snapshots->tags[set_of(hash) * PM_SNAPSHOT_WAYS];
    struct pm_snapshot *snapshot = &snapshots->entries[set_of(hash) * PM_SNAPSHOT_WAYS];

    snapshots->balance -= COST_FIND;
    for (unsigned way = 0; way < PM_SNAPSHOT_WAYS; way++, snapshot++) {
        if (tags[way] != tag_of(hash) || !same_key(&snapshot->key, key)
                || snapshot->generation != generation)
            continue;
        if (still_right(snapshots, snapshot)) {
            snapshot->vain = 0;
            snapshots->last->next = snapshot;
            snapshots->last = snapshot;
            return snapshot;
        }
        if (++snapshot->vain == OFTEN_IN_VAIN)
            snapshot->generation = tags[way] = 0;
    }
    return NULL;
}

static u64 *put_words(struct pm_snapshots *snapshots, struct pm_snapshot *snapshot,
                      const struct pm_trace *trace, bool whole, u64 *to)
{
    const u64 in_page = (1u << PM_READER_PAGE_BITS) - 1;

    for (unsigned i = 0; i < trace->count; i++) {
        const struct pm_traced_word *word = &trace->words[i];
        if ((word->mask == ~0ull) != whole)
            continue;
        *to++ = (u64)pm_reader_page(snapshots->reader, word->address >> PM_READER_PAGE_BITS)
            + (word->address & in_page);
        *to++ = word->value;
        if (!whole)
            *to++ = word->mask;
        *(whole ? &snapshot->wholes : &snapshot->parts) += 1;
    }
    return to;
}

/* Each page once, or at least not often: most words are in the same page as one
   of the last few. */
static u64 *put_pages(struct pm_snapshots *snapshots, struct pm_snapshot *snapshot,
                      const struct pm_trace *trace, u64 *to)
{
    enum { LOOK_BACK = 8 };
    u64 *first = to;

    for (unsigned i = 0; i < trace->count; i++) {
        u64 number = trace->words[i].address >> PM_READER_PAGE_BITS;
        u64 *known = to;
        while (known > first && to - known < LOOK_BACK && known[-2] != number)
            known -= 2;
        if (known > first && known[-2] == number)
            continue;
        *to++ = number;
        *to++ = (u64)pm_reader_page(snapshots->reader, number);
        snapshot->pages++;
    }
    return to;
}

static u64 *put_codes(struct pm_snapshots *snapshots, struct pm_snapshot *snapshot,
                      const struct pm_raw_frame *frames, unsigned count, u64 *to)
{
    u16 *places = (u16 *)to;
    u64 sum = 0;

    for (unsigned i = 0; i < count; i++) {
        places[i] = (u16)pm_python_tag_place(frames[i].code);
        sum += pm_python_code_tag(snapshots->python, frames[i].code);
    }
    snapshot->codes = (u16)count;
    to += (count + PLACES_PER_U64 - 1) / PLACES_PER_U64;
    *to++ = sum;
    return to;
}

/* Whether all words can be read still: the reader may have forgotten a page since, which is not there any more. */
static bool are_readable(struct pm_snapshots *snapshots, const struct pm_trace *trace)
{
    for (unsigned i = 0; i < trace->count; i++)
        if (pm_reader_page(snapshots->reader, trace->words[i].address >> PM_READER_PAGE_BITS) == NULL)
            return false;
    return true;
}

void pm_snapshots_keep(struct pm_snapshots *snapshots, const struct pm_snapshot_key *key,
                       u32 generation, const struct pm_trace *trace,
                       const struct pm_raw_frame *frames, unsigned count,
                       struct pm_stack_id stack, u32 site, u32 debug_hooks)
{
    const u32 hash = hash_of(key), set = set_of(hash);
    u64 *end = snapshots->scratch;

    snapshots->balance -= COST_KEEP;
    if (trace->incomplete || trace->count > PM_SNAPSHOT_WORDS || count > PM_SNAPSHOT_WORDS
            || !are_readable(snapshots, trace))
        return;
    u32 place = set * PM_SNAPSHOT_WAYS + snapshots->next_way[set]++ % PM_SNAPSHOT_WAYS;
    struct pm_snapshot *snapshot = &snapshots->entries[place];
    snapshots->tags[place] = tag_of(hash);
    *snapshot = (struct pm_snapshot){
        .key = *key,
        .content = snapshot->content,
        .reader_generation = snapshots->reader->generation,
        .generation = generation,
        .capacity = snapshot->capacity,
        .code_deaths = snapshots->python->code_deaths,
        .stack = stack,
        .site = site,
        .debug_hooks = debug_hooks,
    };
    end = put_words(snapshots, snapshot, trace, true, end);
    end = put_words(snapshots, snapshot, trace, false, end);
    end = put_pages(snapshots, snapshot, trace, end);
    end = put_codes(snapshots, snapshot, frames, count, end);
    u32 length = (u32)(end - snapshots->scratch);
    if (snapshot->capacity < length) {
        pm_free(snapshot->content);
        snapshot->content = pm_alloc("pm.snapshot", length * sizeof *snapshot->content);
        snapshot->capacity = length;
    }
    pm_copy(snapshot->content, snapshots->scratch, length * sizeof *snapshot->content);
}
