/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compares every field that the leak search fills in with the naive search. */
#ifndef PM_LEAK_CHECK_H
#define PM_LEAK_CHECK_H

#include "pm_leak_field.h"
#include "pm_leak_naive.h"

/* The pointer that the search says is the last one of a shortest way. */
static inline const struct naive_edge *check_way(const struct naive *naive, u32 block)
{
    const struct pm_leak_block *b = &naive->leaks->blocks[block];
    int from = b->from_block == PM_LEAK_NONE ? NAIVE_ROOT : (int)b->from_block;

    for (size_t i = 0; i < naive->edge_count; i++) {
        const struct naive_edge *e = &naive->edges[i];
        if (e->to == block && e->from == from && e->where == b->from_address
            && (from != NAIVE_ROOT || e->root == b->from_root))
            return e;
    }
    return NULL;
}

static inline u8 check_possible_heuristics(const struct naive *naive, u32 block)
{
    u8 found = 0;

    for (size_t i = 0; i < naive->edge_count; i++) {
        const struct naive_edge *e = &naive->edges[i];
        bool definite = e->from == NAIVE_ROOT || naive->kind[e->from] == PM_LEAK_REACHABLE;
        if (e->to == block && definite && e->start)
            return 0;
        if (e->to == block && definite)
            found |= e->heuristics & -e->heuristics;    /* the first in order wins */
    }
    return found;
}

/* naive is room for it. */
static inline void check_against_naive(struct field *field, struct naive *naive)
{
    struct pm_leaks *leaks = &field->leaks;

    /* First, so that what the search leaves in the blocks cannot help. */
    naive_search(naive, leaks);
    pm_leaks_search(leaks);
    assert_true(leaks->scanned_bytes == naive->scanned_bytes);
    assert_true(leaks->unreadable_bytes == naive->unreadable_bytes);
    for (u32 i = 0; i < leaks->block_count; i++) {
        const struct pm_leak_block *b = &leaks->blocks[i];
        bool alive = b->kind == PM_LEAK_REACHABLE || b->kind == PM_LEAK_POSSIBLE;
        u8 heuristics = b->kind == PM_LEAK_REACHABLE ? check_possible_heuristics(naive, i) : 0;

        assert_true(b->kind == naive->kind[i]);
        assert_true(b->leader == (alive ? i : naive->leader[i]));
        assert_true(b->indirect_bytes == naive->indirect_bytes[i]);
        assert_true(b->indirect_blocks == naive->indirect_blocks[i]);
        assert_true(b->references == naive->references[i]);
        assert_true(b->cycle == naive->cycle[i]);
        assert_true(b->cycle_blocks == naive->cycle_blocks[i]);
        /* Where several pointers match, any of them may be the one that was found first. */
        assert_true(heuristics == 0 ? b->heuristic == 0
                                    : b->heuristic != 0 && (b->heuristic & ~heuristics) == 0);
        if (alive) {
            const struct naive_edge *e = check_way(naive, i);
            u64 before;
            assert_true(e != NULL);
            before = e->from == NAIVE_ROOT ? 0 : naive->distance[e->from];
            assert_true(naive->distance[i] == before + 1);
            assert_true(b->kind == PM_LEAK_POSSIBLE
                        || (e->as_start && (e->from == NAIVE_ROOT
                                            || naive->kind[e->from] == PM_LEAK_REACHABLE)));
        } else {
            assert_true(b->from_block == PM_LEAK_NONE && b->from_root == PM_LEAK_NONE);
        }
    }
}

#endif
