/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Backwards from the blocks in question, link by link: a pass over all blocks finds those that point to the blocks of
   the pass before. Raw ones are in question in the next pass. Owners then go forward along the links; a node's owner
   changes at most twice. */
#include "pub_tool_basics.h"

#include "tool/leaks/pm_raw_owners.h"

#include "base/pm_grow.h"
#include "base/pm_platform.h"
#include "tool/pm_memory.h"

enum {
    MAX_LINKS = 4,
    WORD = 8,
    PAGE_BITS = 12, PAGES = 1 << 20,    /* pages that share a bit are looked up in vain, no more */
    CHUNK_WORDS = 512,
};

void pm_raw_owners_begin(struct pm_raw_owners *owners, struct pm_leak_state *check)
{
    *owners = (struct pm_raw_owners){ .check = check };
    pm_map_init(&owners->places);
    owners->pages = pm_alloc("pm.raw_owners", PAGES / 8);
}

void pm_raw_owners_release(struct pm_raw_owners *owners)
{
    pm_map_release(&owners->places);
    pm_free(owners->nodes);
    pm_free(owners->edges);
    pm_free(owners->pages);
}

static u32 node_of(struct pm_raw_owners *owners, u32 block, u32 links)
{
    const u64 *known = pm_map_get(&owners->places, block);

    if (known != NULL)
        return (u32)*known;
    owners->nodes = pm_grow_to("pm.raw_owners", owners->nodes, &owners->capacity, owners->count, sizeof *owners->nodes);
    owners->nodes[owners->count] = (struct pm_raw_node){
        .block = block, .owner = PM_LEAK_NONE, .links = links, .edge = PM_LEAK_NONE };
    pm_map_put(&owners->places, block, owners->count);
    return owners->count++;
}

void pm_raw_owners_add(struct pm_raw_owners *owners, u32 block)
{
    node_of(owners, block, 0);
}

static void add_edge(struct pm_raw_owners *owners, u32 from, u32 to)
{
    owners->edges = pm_grow_to("pm.raw_owners", owners->edges, &owners->edge_capacity, owners->edge_count,
                               sizeof *owners->edges);
    owners->edges[owners->edge_count] = (struct pm_raw_edge){ to, owners->nodes[from].edge };
    owners->nodes[from].edge = owners->edge_count++;
}

static u32 merged(u32 one, u32 other)
{
    return one == PM_LEAK_NONE ? other : other == PM_LEAK_NONE || one == other ? one : PM_RAW_SHARED;
}

/* The pages of the blocks with so many links. Returns whether there are such blocks. */
static bool mark_pages(struct pm_raw_owners *owners, u32 links)
{
    bool some = false;

    pm_zero(owners->pages, PAGES / 8);
    for (u32 i = 0; i < owners->count; i++) {
        const struct pm_leak_block *block = &owners->check->found[owners->nodes[i].block];
        if (owners->nodes[i].links != links)
            continue;
        some = true;
        const u64 last = (block->address + block->bytes) >> PAGE_BITS;
        for (u64 page = block->address >> PAGE_BITS; page <= last; page++)
            owners->pages[(page & (PAGES - 1)) / 8] |= (u8)(1 << page % 8);
    }
    return some;
}

/* The block whose object a block is or belongs to; PM_LEAK_NONE: raw memory. */
static u32 object_of(const struct pm_leak_state *check, u32 block)
{
    return check->found[block].flags & PM_LEAK_OBJECT ? block : pm_leak_owner(check, block);
}

static bool is_global(struct pm_leak_state *check, u32 block)
{
    struct pm_object object;

    return pm_leak_identify(check, block, &object) && pm_objects_is_global(&check->objects, &object);
}

/* A word of the block from is an address in the node to. */
static void note(struct pm_raw_owners *owners, u32 from, u32 to)
{
    const u32 object = object_of(owners->check, from);

    if (object == PM_LEAK_NONE) {
        if (from != owners->nodes[to].block)
            add_edge(owners, node_of(owners, from, owners->nodes[to].links + 1), to);
    } else if (!is_global(owners->check, object)) {
        owners->nodes[to].owner = merged(owners->nodes[to].owner, object);
    }
}

static void look_at_word(struct pm_raw_owners *owners, u32 from, u64 word, u32 links)
{
    const u64 page = word >> PAGE_BITS;

    if ((owners->pages[(page & (PAGES - 1)) / 8] & 1 << page % 8) == 0)
        return;
    const u32 held = pm_leaks_block_at(&owners->check->leaks, word);
    const u64 *place = held == PM_LEAK_NONE ? NULL : pm_map_get(&owners->places, held);
    if (place != NULL && owners->nodes[*place].links == links)
        note(owners, from, (u32)*place);
}

static void look_at_block(struct pm_raw_owners *owners, u32 from, u32 links)
{
    const struct pm_leak_block *block = &owners->check->found[from];
    const u64 end = block->address + block->bytes;
    u64 words[CHUNK_WORDS];

    if (block->flags & PM_LEAK_OPAQUE)
        return;
    for (u64 at = (block->address + WORD - 1) & ~(u64)(WORD - 1); at + WORD <= end; at += sizeof words) {
        const u64 count = end - at < sizeof words ? (end - at) / WORD : CHUNK_WORDS;
        if (!pm_reader_read(&owners->check->scan->reader, at, words, count * WORD))
            continue;
        for (u64 i = 0; i < count; i++)
            look_at_word(owners, from, words[i], links);
    }
}

/* The owner of a node becomes that of the nodes behind it. */
static void pass_owners_on(struct pm_raw_owners *owners)
{
    u32 *waiting = pm_alloc("pm.raw_owners", (u64)(owners->count + 1) * 3 * sizeof *waiting), count = 0;

    for (u32 i = 0; i < owners->count; i++)
        if (owners->nodes[i].owner != PM_LEAK_NONE)
            waiting[count++] = i;
    while (count > 0) {
        const struct pm_raw_node *node = &owners->nodes[waiting[--count]];
        for (u32 edge = node->edge; edge != PM_LEAK_NONE; edge = owners->edges[edge].next) {
            struct pm_raw_node *behind = &owners->nodes[owners->edges[edge].to];
            const u32 owner = merged(behind->owner, node->owner);
            if (owner == behind->owner)
                continue;
            behind->owner = owner;
            waiting[count++] = owners->edges[edge].to;
        }
    }
    pm_free(waiting);
}

void pm_raw_owners_find(struct pm_raw_owners *owners)
{
    for (u32 links = 0; links < MAX_LINKS && mark_pages(owners, links); links++)
        for (u32 i = 0; i < owners->check->count; i++)
            look_at_block(owners, i, links);
    pass_owners_on(owners);
}

u32 pm_raw_owners_of(const struct pm_raw_owners *owners, u32 block)
{
    return owners->nodes[*pm_map_get(&owners->places, block)].owner;
}
