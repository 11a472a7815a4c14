/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The leak search straight from its definitions, and slow: it compares every word
   with every block, and lets sets grow until nothing changes. For at most 64
   blocks. It shares only the input and the reader with the real search. */
#ifndef PM_LEAK_NAIVE_H
#define PM_LEAK_NAIVE_H

#include <string.h>

#include "heap/pm_leaks.h"

enum { NAIVE_BLOCKS = 64, NAIVE_EDGES = 1 << 14, NAIVE_ROOT = -1 };

struct naive_edge {
    int from;               /* block, or NAIVE_ROOT */
    u32 root;
    u64 where;
    u32 to;
    bool start, as_start;   /* start pointer; or one by a heuristic */
    u8 heuristics;          /* the heuristics that match, each by itself */
};

struct naive {
    const struct pm_leaks *leaks;
    u32 count;
    size_t edge_count;
    u64 scanned_bytes, unreadable_bytes;
    u8 kind[NAIVE_BLOCKS];
    u32 leader[NAIVE_BLOCKS];
    u64 indirect_bytes[NAIVE_BLOCKS], indirect_blocks[NAIVE_BLOCKS];
    u64 references[NAIVE_BLOCKS];
    u64 distance[NAIVE_BLOCKS];         /* of reachable and possible blocks */
    bool cycle[NAIVE_BLOCKS];
    u64 cycle_blocks[NAIVE_BLOCKS];
    u64 leads_to[NAIVE_BLOCKS];         /* lost -> set of lost, in one step or more */
    bool lost[NAIVE_BLOCKS], taken[NAIVE_BLOCKS];
    struct naive_edge edges[NAIVE_EDGES];
};

static inline bool naive_word(const struct pm_leaks *leaks, const struct pm_leak_block *block,
                              u64 address, u64 *word)
{
    return address >= block->address && address + 8 <= block->address + block->bytes
        && pm_reader_read_u64(leaks->reader, address, word);
}

/* Each heuristic by itself, from the comments in Memcheck's source. */
static inline u8 naive_heuristics(const struct pm_leaks *leaks, const struct pm_leak_block *block,
                                  u64 pointer)
{
    u64 size = block->bytes, at = pointer - block->address, a, b, c;
    u8 found = 0;

    if (at == 24 && naive_word(leaks, block, block->address, &a)
        && naive_word(leaks, block, block->address + 8, &b) && b < size && 24 + b + 1 == size && a <= b)
        found |= PM_LEAK_STDSTRING;
    if (at == 8 && naive_word(leaks, block, block->address, &a) && a != 0) {
        if (a == size - 8)
            found |= PM_LEAK_LENGTH64;
        if ((size - 8) % a == 0)
            found |= PM_LEAK_NEWARRAY;
    }
    if (pointer % 8 == 0 && naive_word(leaks, block, pointer, &c)
        && naive_word(leaks, block, block->address, &a) && a % 8 == 0 && c % 8 == 0 && a >= 4096
        && c >= 4096 && leaks->is_vtable(leaks->context, a) && leaks->is_vtable(leaks->context, c))
        found |= PM_LEAK_MULTIPLE_INHERITANCE;
    return found & (u8)leaks->heuristics;
}

static inline void naive_look(struct naive *naive, int from, u32 root, u64 where, u64 value)
{
    const struct pm_leaks *leaks = naive->leaks;

    if (from != NAIVE_ROOT && (leaks->blocks[from].flags & PM_LEAK_WEAK_WORDS)
        && leaks->is_weak(leaks->context, (u32)from, where))
        return;
    for (u32 i = 0; i < naive->count; i++) {
        const struct pm_leak_block *block = &leaks->blocks[i];
        u64 object = block->address + block->object_offset;
        u64 end = block->address + (block->bytes == 0 ? 1 : block->bytes);
        bool tagged = (block->flags & PM_LEAK_OBJECT) && value >= object
            && value - object <= leaks->tag_bits && ((value - object) & ~leaks->tag_bits) == 0;
        struct naive_edge *edge;

        if (value < block->address || value >= end)
            continue;
        if ((block->flags & PM_LEAK_HEADER_HIDDEN) && value < object)
            continue;
        if (from == NAIVE_ROOT && naive->leaks->roots[root].foreign && (block->flags & PM_LEAK_OBJECT)
            && value != block->address && value != object && !tagged)
            continue;
        if ((block->flags & PM_LEAK_START_ONLY) && value != block->address && value != object && !tagged)
            continue;
        naive->references[i] += (block->flags & PM_LEAK_OBJECT) && (value == object || tagged);
        edge = &naive->edges[naive->edge_count++];
        if (naive->edge_count == NAIVE_EDGES)
            abort();
        *edge = (struct naive_edge){ from, root, where, i,
                                     value == block->address || value == object || tagged, false, 0 };
        if (!edge->start)
            edge->heuristics = naive_heuristics(leaks, block, value);
        edge->as_start = edge->start || edge->heuristics != 0;
    }
}

static inline void naive_look_at(struct naive *naive, int from, u32 root, u64 address)
{
    u64 value;

    if (pm_reader_read_u64(naive->leaks->reader, address, &value)) {
        naive->scanned_bytes += 8;
        naive_look(naive, from, root, address, value);
    } else {
        naive->unreadable_bytes += 8;
    }
}

static inline void naive_collect(struct naive *naive)
{
    const struct pm_leaks *leaks = naive->leaks;

    for (u32 i = 0; i < leaks->root_count; i++) {
        const struct pm_leak_root *root = &leaks->roots[i];
        if (root->values != NULL) {
            naive->scanned_bytes += root->bytes;
            for (u64 k = 0; k < root->bytes / 8; k++)
                naive_look(naive, NAIVE_ROOT, i, k, root->values[k]);
        } else {
            for (u64 at = root->start; at < root->start + root->bytes; at++)
                if (at % 8 == 0 && at + 8 <= root->start + root->bytes)
                    naive_look_at(naive, NAIVE_ROOT, i, at);
        }
    }
    for (u32 i = 0; i < naive->count; i++) {
        const struct pm_leak_block *block = &leaks->blocks[i];
        for (u64 at = block->address; at + 8 <= block->address + block->bytes; at++) {
            bool hidden = false;
            for (u64 k = at; k < at + 8; k++)
                hidden |= k - block->address >= 8u * block->hidden_first
                    && k - block->address < 8u * block->hidden_end;
            if (at % 8 == 0 && !hidden && !(block->flags & PM_LEAK_OPAQUE))
                naive_look_at(naive, (int)i, PM_LEAK_NONE, at);
        }
    }
}

static inline void naive_live(struct naive *naive)
{
    bool reachable[NAIVE_BLOCKS] = { false }, alive[NAIVE_BLOCKS] = { false }, changed = true;

    while (changed) {
        changed = false;
        for (size_t k = 0; k < naive->edge_count; k++) {
            const struct naive_edge *e = &naive->edges[k];
            bool definite = e->from == NAIVE_ROOT || reachable[e->from];
            if (definite && e->as_start && !reachable[e->to])
                reachable[e->to] = changed = true;
            if ((e->from == NAIVE_ROOT || alive[e->from]) && !alive[e->to])
                alive[e->to] = changed = true;
        }
    }
    for (u32 i = 0; i < naive->count; i++) {
        naive->lost[i] = !alive[i];
        naive->distance[i] = UINT32_MAX;
        naive->kind[i] = reachable[i] ? PM_LEAK_REACHABLE : PM_LEAK_POSSIBLE;
    }
    /* Only definite chains lead to reachable blocks; any chain leads to the others. */
    for (changed = true; changed;) {
        changed = false;
        for (size_t k = 0; k < naive->edge_count; k++) {
            const struct naive_edge *e = &naive->edges[k];
            u64 way = 1 + (e->from == NAIVE_ROOT ? 0 : naive->distance[e->from]);
            if (reachable[e->to]
                && !(e->as_start && (e->from == NAIVE_ROOT || reachable[e->from])))
                continue;
            if (way < naive->distance[e->to]) {
                naive->distance[e->to] = way;
                changed = true;
            }
        }
    }
}

/* leads_to over start pointers alone or all. */
static inline void naive_close(struct naive *naive, bool starts_only)
{
    bool changed = true;

    memset(naive->leads_to, 0, sizeof naive->leads_to);
    for (size_t k = 0; k < naive->edge_count; k++) {
        const struct naive_edge *e = &naive->edges[k];
        if (e->from != NAIVE_ROOT && naive->lost[e->from] && naive->lost[e->to]
            && (e->start || !starts_only))
            naive->leads_to[e->from] |= (u64)1 << e->to;
    }
    while (changed) {
        changed = false;
        for (u32 i = 0; i < naive->count; i++)
            for (u32 k = 0; k < naive->count; k++)
                if ((naive->leads_to[i] >> k & 1) && (naive->leads_to[k] & ~naive->leads_to[i])) {
                    naive->leads_to[i] |= naive->leads_to[k];
                    changed = true;
                }
    }
}

static inline bool naive_leads(const struct naive *naive, u32 from, u32 to)
{
    return naive->leads_to[from] >> to & 1;
}

/* As Memcheck's lc_process_markstack: members of a former leader join with it, and its words are
   looked at again. */
static inline void naive_join(struct naive *naive, u32 from, u32 leader)
{
    for (size_t k = 0; k < naive->edge_count; k++) {
        const struct naive_edge *e = &naive->edges[k];
        if (e->from != (int)from || !naive->lost[e->to] || e->to == leader
            || naive->kind[e->to] == PM_LEAK_INDIRECT)
            continue;
        naive->taken[e->to] = true;
        naive->kind[e->to] = PM_LEAK_INDIRECT;
        for (u32 i = 0; i < naive->count; i++)
            if (naive->lost[i] && naive->taken[i] && naive->leader[i] == e->to)
                naive->leader[i] = leader;
        naive->leader[e->to] = leader;
        naive_join(naive, e->to, leader);
    }
}

static inline void naive_lose(struct naive *naive)
{
    bool may_lead[NAIVE_BLOCKS];

    naive_close(naive, false);
    for (u32 i = 0; i < naive->count; i++) {
        naive->leader[i] = i;
        may_lead[i] = true;
        /* Only the first block of a component that nothing else leads to. */
        for (u32 k = 0; naive->leaks->merge_cliques && k < naive->count; k++)
            if (k != i && naive_leads(naive, k, i) && (!naive_leads(naive, i, k) || k < i))
                may_lead[i] = false;
        if (naive->lost[i])
            naive->kind[i] = PM_LEAK_DEFINITE;
    }
    for (u32 i = 0; i < naive->count; i++) {
        if (!naive->lost[i] || naive->taken[i] || !may_lead[i])
            continue;
        naive->taken[i] = true;
        naive_join(naive, i, i);
    }
    naive_close(naive, true);
    for (u32 i = 0; i < naive->count; i++) {
        u32 leader = naive->leader[i];
        if (!naive->lost[i])
            continue;
        if (i != leader) {
            naive->indirect_bytes[leader] += naive->leaks->blocks[i].bytes;
            naive->indirect_blocks[leader]++;
        }
        naive->cycle[i] = naive_leads(naive, i, leader) && naive_leads(naive, leader, i);
        naive->cycle_blocks[leader] += naive->cycle[i];
    }
}

static inline void naive_search(struct naive *naive, const struct pm_leaks *leaks)
{
    memset(naive, 0, offsetof(struct naive, edges));
    naive->leaks = leaks;
    naive->count = leaks->block_count;
    naive_collect(naive);
    naive_live(naive);
    naive_lose(naive);
}

#endif
