/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compares every field that the leak search fills in, and the pointers that pm_leak_pointers finds, with
   the naive search. */
#ifndef PM_LEAK_CHECK_H
#define PM_LEAK_CHECK_H

#include "heap/pm_leak_pointers.h"
#include "pm_leak_field.h"
#include "pm_leak_naive.h"

/* The pointer that the search says is the last one of a shortest chain. */
static inline const struct naive_edge *check_last_pointer(const struct naive *naive, u32 block)
{
    const struct pm_leak_block *b = &naive->leaks->blocks[block];
    int from = pm_leak_from_block(b) == PM_LEAK_NONE ? NAIVE_ROOT : (int)pm_leak_from_block(b);

    for (size_t i = 0; i < naive->edge_count; i++) {
        const struct naive_edge *e = &naive->edges[i];
        if (e->to == block && e->from == from && e->where == pm_leak_from_address(naive->leaks, b)
            && (from != NAIVE_ROOT || e->root == pm_leak_from_root(b)))
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

struct check_pointers {
    const struct naive *naive;
    size_t references;
};

static inline void check_pointer(void *context, const struct pm_leak_pointer *pointer)
{
    struct check_pointers *check = context;
    int from = pointer->from_block == PM_LEAK_NONE ? NAIVE_ROOT : (int)pointer->from_block;
    const struct naive_edge *edge = NULL;

    for (size_t i = 0; i < check->naive->edge_count; i++) {
        const struct naive_edge *e = &check->naive->edges[i];
        if (e->to == pointer->block && e->from == from && e->where == pointer->where
            && (from != NAIVE_ROOT || e->root == pointer->from_root))
            edge = e;
    }
    if (pointer->use == PM_POINTER_START || pointer->use == PM_POINTER_INTERIOR) {
        assert_true(edge != NULL && edge->start == (pointer->use == PM_POINTER_START));
        check->references++;
    } else {
        assert_true(edge == NULL);
    }
}

/* The references among the pointers to all blocks are the edges. */
static inline void check_all_pointers(struct pm_leaks *leaks, const struct naive *naive)
{
    struct check_pointers check = { naive, 0 };

    for (u32 i = 0; i < leaks->block_count; i++) {
        u64 bytes = leaks->blocks[i].bytes;
        pm_leak_pointers_each(leaks, leaks->blocks[i].address,
                              leaks->blocks[i].address + (bytes > 0 ? bytes : 1), check_pointer,
                              &check);
    }
    assert_true(check.references == naive->edge_count);
}

/* naive: scratch memory for the naive search. */
static inline void check_against_naive(struct field *field, struct naive *naive)
{
    struct pm_leaks *leaks = &field->leaks;

    /* First, so that the results of the search cannot help it. */
    naive_search(naive, leaks);
    pm_leaks_search(leaks);
    assert_true(leaks->scanned_bytes == naive->scanned_bytes);
    assert_true(leaks->unreadable_bytes == naive->unreadable_bytes);
    check_all_pointers(leaks, naive);
    for (u32 i = 0; i < leaks->block_count; i++) {
        const struct pm_leak_block *b = &leaks->blocks[i];
        bool alive = b->kind == PM_LEAK_REACHABLE || b->kind == PM_LEAK_POSSIBLE;
        u8 heuristics = b->kind == PM_LEAK_REACHABLE ? check_possible_heuristics(naive, i) : 0;

        assert_true(b->kind == naive->kind[i]);
        assert_true(b->leader == (alive ? i : naive->leader[i]));
        assert_true(pm_leaks_clique(leaks, i).bytes == naive->indirect_bytes[i]);
        assert_true(pm_leaks_clique(leaks, i).blocks == naive->indirect_blocks[i]);
        assert_true(b->references == naive->references[i]);
        assert_true(b->cycle == naive->cycle[i]);
        assert_true(pm_leaks_clique(leaks, i).cycle_blocks == naive->cycle_blocks[i]);
        /* Where several pointers match, any of them may be the one that was found first. */
        assert_true(heuristics == 0 ? b->heuristic == 0
                                    : b->heuristic != 0 && (b->heuristic & ~heuristics) == 0);
        if (alive) {
            const struct naive_edge *e = check_last_pointer(naive, i);
            u64 before;
            assert_true(e != NULL);
            before = e->from == NAIVE_ROOT ? 0 : naive->distance[e->from];
            assert_true(naive->distance[i] == before + 1);
            assert_true(b->kind == PM_LEAK_POSSIBLE
                        || (e->as_start && (e->from == NAIVE_ROOT
                                            || naive->kind[e->from] == PM_LEAK_REACHABLE)));
        } else {
            assert_true(b->from == PM_LEAK_NONE);
        }
    }
}

#endif
