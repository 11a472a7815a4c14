/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blocks that no root leads to: cliques, and cycles in them.

   Cliques are Memcheck's. We take lost blocks in the order of their addresses. A block that
   is in no clique yet becomes the leader of a new one, and every block that its words
   lead to joins it. A block that was a leader joins with its whole clique. Its words need
   not be looked at again: they were followed when it led, and the blocks that they lead to
   are in some clique.

   So a lost block may lead to a leader: if a cycle has a lower address than the block
   that holds it, the cycle's first block leads one clique and the holder another. With
   merge_cliques we choose the leaders first: the first block of each strongly connected
   component that no other lost component leads to.

   Components are Tarjan's (1972), with a stack of our own in place of recursion. Each
   word of a lost block is looked at once more for them, and another time for the cycles. */
#include "heap/pm_leak_search.h"

#define PAGE_BYTES ((u64)1 << PM_READER_PAGE_BITS)

struct step {
    u32 block;
    u64 cursor;             /* address of the word to look at next */
};

/* Arrays are by number of the lost block (number_of), not of all blocks. */
struct components {
    struct pm_leak_search *search;
    bool starts_only;       /* interior pointers do not count */
    u32 *of;                /* block -> component, or PM_LEAK_NONE */
    u32 *order, *low;       /* block -> when it was found, from 1; the earliest one that it leads to */
    u32 *sizes;             /* component -> blocks */
    u8 *fed;                /* component -> another one leads to it */
    u8 *loops;              /* block -> it leads to itself */
    u32 count, found;
    struct step *path;
    u32 *waiting;           /* numbers of blocks found that are in no component yet */
    u32 path_length, waiting_length;
};

static u32 number_of(const struct components *components, u32 block)
{
    return pm_ranks_rank(&components->search->lost, block);
}

static u32 component_of(const struct components *components, u32 block)
{
    return components->of[number_of(components, block)];
}

static bool is_lost(const struct pm_leak_search *search, u32 block)
{
    const u8 mark = search->blocks[block].kind;
    return mark == PM_MARK_NONE || mark == PM_MARK_LEADER || mark == PM_MARK_INDIRECT
        || (search->leaks->cliques_of_possible
            && (mark == PM_MARK_CANDIDATE || mark == PM_MARK_POSSIBLE));
}

static bool find_edge(const struct components *components, u64 value, u32 *block)
{
    const struct pm_leak_search *search = components->search;
    const struct pm_leak_index *index = &search->leaks->index;
    const struct pm_leak_index_page *page;
    const u8 *entry = NULL;
    struct pm_leak_word word = { .value = value };

    if (!pm_leak_index_may_hold(index, value))
        return false;
    page = pm_leak_index_page(index, value);
    if (page->number == 0)
        return false;
    if (page->list != PM_LEAK_INDEX_NO_LIST)
        entry = pm_leak_index_entry(index, page, value);
    if (!pm_leak_resolve(search, &word, pm_leak_nearest(search, page->block, entry, value)))
        return false;
    *block = word.block;
    return is_lost(search, word.block) && (word.is_start || !components->starts_only);
}

/* The lost block that the step's next pointer leads to; false: no more. */
static bool next_edge(const struct components *components, struct step *step, u32 *block)
{
    const struct pm_leak_index *index = &components->search->leaks->index;
    u64 ranges[4], value;
    const u8 *page;

    pm_leak_word_ranges(&components->search->leaks->blocks[step->block], ranges);
    for (;;) {
        if (step->cursor >= ranges[1] && step->cursor < ranges[2])
            step->cursor = ranges[2];
        if (step->cursor >= ranges[3])
            return false;
        page = pm_leak_index_page(index, step->cursor)->bytes;
        if (page == NULL) {
            step->cursor = (step->cursor & ~(PAGE_BYTES - 1)) + PAGE_BYTES;
            continue;
        }
        pm_copy(&value, page + (step->cursor & (PAGE_BYTES - 1)), sizeof value);
        step->cursor += sizeof value;
        if (find_edge(components, value, block)
            && !pm_leak_is_weak(components->search, step->block, step->cursor - sizeof value))
            return true;
    }
}

static void enter(struct components *components, u32 block)
{
    u64 ranges[4];

    pm_leak_word_ranges(&components->search->leaks->blocks[block], ranges);
    const u32 number = number_of(components, block);
    components->order[number] = components->low[number] = ++components->found;
    components->path[components->path_length++] = (struct step){ block, ranges[0] };
    components->waiting[components->waiting_length++] = number;
}

/* The block of that number has no more pointers to follow. */
static void leave(struct components *components, u32 block)
{
    u32 member, component = components->count;

    if (components->low[block] == components->order[block]) {
        do {
            member = components->waiting[--components->waiting_length];
            components->of[member] = component;
            components->sizes[component]++;
        } while (member != block);
        components->count++;
    }
    if (components->path_length == 0)
        return;
    u32 outer = number_of(components, components->path[components->path_length - 1].block);
    if (components->of[block] != PM_LEAK_NONE)
        components->fed[component] = 1;
    else if (components->low[block] < components->low[outer])
        components->low[outer] = components->low[block];
}

static void walk_from(struct components *components, u32 first)
{
    enter(components, first);
    while (components->path_length > 0) {
        struct step *step = &components->path[components->path_length - 1];
        u32 block = number_of(components, step->block), next_block, next;

        if (!next_edge(components, step, &next_block)) {
            components->path_length--;
            leave(components, block);
            continue;
        }
        next = number_of(components, next_block);
        if (next == block) {
            components->loops[block] = 1;
        } else if (components->order[next] == 0) {
            enter(components, next_block);
        } else if (components->of[next] != PM_LEAK_NONE) {
            components->fed[components->of[next]] = 1;
        } else if (components->order[next] < components->low[block]) {
            components->low[block] = components->order[next];
        }
    }
}

static void *array(u32 count, size_t bytes)
{
    return pm_alloc_zero("pm.leaks.components", (count + (size_t)1) * bytes);
}

static void find_components(struct components *components, struct pm_leak_search *search,
                            bool starts_only)
{
    const u32 count = search->lost.count;

    *components = (struct components){
        .search = search, .starts_only = starts_only,
        .of = array(count, sizeof(u32)), .order = array(count, sizeof(u32)),
        .low = array(count, sizeof(u32)), .sizes = array(count, sizeof(u32)),
        .fed = array(count, 1), .loops = array(count, 1),
        .path = array(count, sizeof(struct step)), .waiting = array(count, sizeof(u32)),
    };
    for (u32 i = 0; i < count; i++)
        components->of[i] = PM_LEAK_NONE;
    for (u32 i = 0; i < search->leaks->block_count; i++)
        if (is_lost(search, i) && components->order[number_of(components, i)] == 0)
            walk_from(components, i);
}

static void release_components(struct components *components)
{
    pm_free(components->of);
    pm_free(components->order);
    pm_free(components->low);
    pm_free(components->sizes);
    pm_free(components->fed);
    pm_free(components->loops);
    pm_free(components->path);
    pm_free(components->waiting);
}

static void visit_lost(struct pm_leak_search *search, const struct pm_leak_word *word)
{
    struct pm_leak_block *block = &search->blocks[word->block];

    if ((block->kind != PM_MARK_NONE && block->kind != PM_MARK_LEADER && block->kind != PM_MARK_CANDIDATE)
        || word->block == search->leader)
        return;
    if (block->kind != PM_MARK_LEADER)
        pm_leak_enqueue(search, word->block);
    block->kind = PM_MARK_INDIRECT;
    block->leader = search->leader;
}

static void gather_clique(struct pm_leak_search *search, u32 leader)
{
    search->leader = leader;
    search->blocks[leader].kind = PM_MARK_LEADER;
    search->head = search->tail = 0;
    pm_leak_gather_block(search, leader);
    pm_leak_empty_queue(search);
}

/* The members of a leader that joined another clique belong to that clique. */
static void settle_leaders(struct pm_leak_search *search)
{
    struct pm_leak_block *blocks = search->leaks->blocks;

    for (u32 i = 0; i < search->leaks->block_count; i++) {
        u32 last = i, next;

        while (blocks[last].kind == PM_MARK_INDIRECT)
            last = blocks[last].leader;
        for (u32 at = i; blocks[at].kind == PM_MARK_INDIRECT; at = next) {
            next = blocks[at].leader;
            blocks[at].leader = last;
        }
    }
}

static void mark_cycles(struct pm_leak_search *search)
{
    struct pm_leak_block *blocks = search->blocks;
    struct components components;

    find_components(&components, search, true);
    for (u32 i = 0; i < search->leaks->block_count; i++) {
        if (!is_lost(search, i) || component_of(&components, i) != component_of(&components, blocks[i].leader))
            continue;
        blocks[i].cycle = components.sizes[component_of(&components, i)] > 1 || components.loops[number_of(&components, i)];
    }
    release_components(&components);
}

/* Components that no other one leads to have the leaders: the first block of each. */
static void gather_sources(struct pm_leak_search *search, const struct components *components)
{
    struct pm_leak_block *blocks = search->blocks;
    u32 *candidates = array(components->count + 1, sizeof *candidates);

    /* The first candidate of each component, plus one. */
    for (u32 i = search->leaks->block_count; i-- > 0;)
        if (blocks[i].kind == PM_MARK_CANDIDATE && is_lost(search, i))
            candidates[component_of(components, i)] = i + 1;
    for (u32 i = 0; i < search->leaks->block_count; i++)
        if (blocks[i].kind == PM_MARK_NONE && !components->fed[component_of(components, i)]
            && candidates[component_of(components, i)] == 0)
            gather_clique(search, i);
    for (u32 i = 0; i < search->leaks->block_count && search->leaks->cliques_of_possible; i++) {
        const u8 mark = blocks[i].kind;
        if ((mark != PM_MARK_NONE && mark != PM_MARK_CANDIDATE) || components->fed[component_of(components, i)])
            continue;
        const struct pm_leak_block *candidate = &blocks[candidates[component_of(components, i)] - 1];
        gather_clique(search, i);
        blocks[i].kind = PM_MARK_POSSIBLE;
        blocks[i].from = candidate->from;
        blocks[i].from_word = candidate->from_word;
    }
    pm_free(candidates);
}

static void mark_with_leader(struct pm_leak_search *search, const struct components *components)
{
    struct pm_leak_block *blocks = search->blocks;

    for (u32 i = 0; i < search->leaks->block_count; i++)
        blocks[i].with_leader = is_lost(search, i)
            && component_of(components, i) == component_of(components, blocks[i].leader);
}

static void sort_out(struct pm_leak_search *search)
{
    struct components components;

    search->visit = visit_lost;
    if (search->leaks->merge_cliques) {
        find_components(&components, search, false);
        gather_sources(search, &components);
        mark_with_leader(search, &components);
        release_components(&components);
    } else {
        for (u32 i = 0; i < search->leaks->block_count; i++)
            if (search->blocks[i].kind == PM_MARK_NONE)
                gather_clique(search, i);
    }
    settle_leaders(search);
    mark_cycles(search);
}

void pm_leak_search_lost(struct pm_leak_search *search)
{
    const u32 count = search->leaks->block_count;

    /* What is lost stays so: its marks change among those of lost blocks. */
    pm_ranks_init(&search->lost, count);
    for (u32 i = 0; i < count; i++)
        if (is_lost(search, i))
            pm_ranks_set(&search->lost, i);
    pm_ranks_finish(&search->lost, count);
    if (search->lost.count > 0)
        sort_out(search);
    pm_ranks_release(&search->lost);
}
