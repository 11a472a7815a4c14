/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the search goes.

   A word is a pointer if its value is in a block. It is a start pointer if it points to
   the block's first byte or to its object, else an interior pointer. The search knows no
   types, so any word may be a pointer.

   1. Definite. We look at the words of all roots, then at those of each block that a start
      pointer leads to, breadth first: so the first chain found to a block is one of the
      shortest. These blocks are reachable. A heuristic may accept an interior pointer
      as a start pointer. Blocks with other interior pointers become candidates,
      nearest first, each with its first such pointer.
   2. Possible. Candidates that did not become reachable are possibly lost, and so is
      everything that any pointers in them lead to. Candidates are at different distances
      from the roots, so each step takes the nearest of queue and candidates; this keeps
      chains shortest.
      With cliques_of_possible this step is left out, and the third one finds what is possibly lost.
   3. Lost. Blocks without a mark are lost now: pm_leak_lost.c.

   Each block is in the queue once, so each word is looked at once, and its reference is
   counted then. Memcheck gives the same kinds: its kinds do not depend on the order in
   which it looks at reachable words, and in the third part the order is the same. Two
   things differ on purpose. Memcheck ignores pointers into a page that the program may
   not read; here, pointers to the start of a block with a guard page hold it. And
   a block counts as found by a heuristic until a start pointer in reachable memory is
   found; for Memcheck, one in possibly lost memory is enough.

   Most of the time goes into waiting for memory: index entry, block, words of the next
   block. So words are collected in a batch, from many blocks if the queue has them, and
   each step prefetches for the whole batch what the next step needs. */
#include "heap/pm_leak_search.h"

#define PAGE_BYTES ((u64)1 << PM_READER_PAGE_BITS)
#define PROGRESS_BYTES ((u64)16 << 20)

/* LINE: bytes in a line of the processor's cache. AHEAD: memory takes about as long as so many
   blocks. */
enum { WORD = 8, LINE = 64, AHEAD = 8 };

void pm_leaks_init(struct pm_leaks *leaks, struct pm_reader *reader)
{
    *leaks = (struct pm_leaks){ .reader = reader };
}

void pm_leaks_release(struct pm_leaks *leaks)
{
    pm_leak_index_release(&leaks->index);
    pm_ranks_release(&leaks->leaders);
    pm_free(leaks->cliques);
    leaks->cliques = NULL;
}

static struct pm_leak_extent extent_of(const void *context, u32 block)
{
    const struct pm_leak_block *b = (const struct pm_leak_block *)context + block;
    return (struct pm_leak_extent){ b->address, b->address + (b->bytes > 0 ? b->bytes : 1) };
}

/* The last block that starts at or before address; it may end before address. */
static u32 last_start(const struct pm_leaks *leaks, u64 address)
{
    u32 low = 0, high = leaks->block_count;

    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (leaks->blocks[middle].address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low - 1;
}

u32 pm_leaks_block_at(const struct pm_leaks *leaks, u64 address)
{
    u32 block;

    if (leaks->index.pages == NULL) {
        block = last_start(leaks, address);
        if (block == PM_LEAK_NONE)
            return PM_LEAK_NONE;
    } else {
        const struct pm_leak_index_page *page;
        if (!pm_leak_index_may_hold(&leaks->index, address))
            return PM_LEAK_NONE;
        page = pm_leak_index_page(&leaks->index, address);
        if (page->number == 0)
            return PM_LEAK_NONE;
        block = page->block;
        if (page->list != PM_LEAK_INDEX_NO_LIST)
            block += *pm_leak_index_entry(&leaks->index, page, address);
        while (block + 1 < leaks->block_count && leaks->blocks[block + 1].address <= address)
            block++;
        while (address < leaks->blocks[block].address && block > 0)
            block--;
    }
    struct pm_leak_extent extent = extent_of(leaks->blocks, block);
    return address - extent.start < extent.end - extent.start ? block : PM_LEAK_NONE;
}

/* value: of a word that is no reference. It may be in a block nevertheless. */
static void tell_missed(struct pm_leak_search *search, u64 value)
{
    if (search->leaks->missed != NULL)
        search->leaks->missed(search->leaks->context, value);
}

void pm_leak_flush(struct pm_leak_search *search)
{
    const struct pm_leak_index *index = &search->leaks->index;
    struct pm_leak_word *batch = search->batch;
    u32 count = 0;

    for (u32 i = 0; i < search->batched; i++) {
        const struct pm_leak_index_page *page = pm_leak_index_page(index, batch[i].value);
        const u8 *entry = NULL;
        if (page->number == 0) {
            tell_missed(search, batch[i].value);
            continue;
        }
        if (page->list != PM_LEAK_INDEX_NO_LIST)
            __builtin_prefetch(entry = pm_leak_index_entry(index, page, batch[i].value));
        batch[count] = batch[i];
        batch[count].block = page->block;
        search->entries[count++] = entry;
    }
    for (u32 i = 0; i < count; i++) {
        batch[i].block = pm_leak_nearest(search, batch[i].block, search->entries[i],
                                         batch[i].value);
        __builtin_prefetch(&search->blocks[batch[i].block]);
    }
    search->batched = 0;
    for (u32 i = 0; i < count; i++) {
        struct pm_leak_block *target;
        if (!pm_leak_resolve(search, &batch[i], batch[i].block)) {
            tell_missed(search, batch[i].value);
            continue;
        }
        if (pm_leak_is_weak(search, batch[i].from_block, batch[i].where))
            continue;
        target = &search->blocks[batch[i].block];
        if (!batch[i].is_start && (target->flags & PM_LEAK_OBJECT) && batch[i].from_block == PM_LEAK_NONE
            && search->leaks->roots[batch[i].from_root].foreign)
            continue;
        if (search->count_references && (target->flags & PM_LEAK_OBJECT)
            && (batch[i].value & ~search->leaks->tag_bits) == target->address + target->object_offset)
            target->references++;
        search->visit(search, &batch[i]);
    }
}

static void gather(struct pm_leak_search *search, const u8 *bytes, u64 count, u64 where, u64 step,
                   u32 from_block, u32 from_root)
{
    const struct pm_leak_index *index = &search->leaks->index;
    u64 low = index->low, span = index->span;

    for (u64 i = 0; i < count; i++) {
        u64 value;
        pm_copy(&value, bytes + i * WORD, WORD);
        if (__builtin_expect(value - low >= span, 1))
            continue;
        search->batch[search->batched++] = (struct pm_leak_word){
            value, where + i * step, from_block, from_root, 0, false };
        if (search->batched == PM_LEAK_BATCH)
            pm_leak_flush(search);
    }
}

static void account(struct pm_leak_search *search, u64 bytes)
{
    struct pm_leaks *leaks = search->leaks;

    leaks->scanned_bytes += bytes;
    if (leaks->scanned_bytes >= search->progress_at && leaks->progress != NULL) {
        search->progress_at = leaks->scanned_bytes + PROGRESS_BYTES;
        leaks->progress(leaks->context, leaks->scanned_bytes, search->all_bytes);
    }
}

/* The bytes of a page. The index knows those of all blocks. */
static const u8 *page_of(struct pm_leaks *leaks, u64 address, u32 from_block)
{
    return from_block == PM_LEAK_NONE
        ? pm_reader_page(leaks->reader, address >> PM_READER_PAGE_BITS)
        : pm_leak_index_page(&leaks->index, address)->bytes;
}

/* Both ends are multiples of a word. */
static void gather_range(struct pm_leak_search *search, u64 from, u64 to, u32 from_block,
                         u32 from_root)
{
    struct pm_leaks *leaks = search->leaks;

    while (from < to) {
        u64 in_page = from & (PAGE_BYTES - 1);
        u64 bytes = PAGE_BYTES - in_page < to - from ? PAGE_BYTES - in_page : to - from;
        const u8 *page = page_of(leaks, from, from_block);
        if (page == NULL) {
            leaks->unreadable_bytes += bytes;
        } else {
            account(search, bytes);
            gather(search, page + in_page, bytes / WORD, from, WORD, from_block, from_root);
        }
        from += bytes;
    }
}

static u64 round_up(u64 address)
{
    return (address + WORD - 1) & ~(u64)(WORD - 1);
}

static u64 round_down(u64 address)
{
    return address & ~(u64)(WORD - 1);
}

void pm_leak_word_ranges(const struct pm_leak_block *block, u64 ranges[4])
{
    u64 from = block->hidden_first * WORD, to = block->hidden_end * WORD;

    if (from >= to || from > block->bytes)
        from = to = block->bytes;
    if (to > block->bytes)
        to = block->bytes;
    if (block->flags & PM_LEAK_OPAQUE)
        from = 0, to = block->bytes;
    ranges[0] = round_up(block->address);
    ranges[1] = round_down(block->address + from);
    ranges[2] = round_up(block->address + to);
    ranges[3] = round_down(block->address + block->bytes);
}

void pm_leak_gather_block(struct pm_leak_search *search, u32 block)
{
    u64 ranges[4];

    pm_leak_word_ranges(&search->leaks->blocks[block], ranges);
    gather_range(search, ranges[0], ranges[1], block, PM_LEAK_NONE);
    gather_range(search, ranges[2], ranges[3], block, PM_LEAK_NONE);
}

/* The places of blocks that were taken out are used again. */
void pm_leak_enqueue(struct pm_leak_search *search, u32 block)
{
    const u32 waiting = search->tail - search->head;

    if (waiting == search->queue_capacity) {
        const u32 capacity = waiting > 0 ? 2 * waiting : 1024;
        u32 *queue = pm_alloc("pm.leaks.queue", capacity * sizeof *queue);
        for (u32 i = 0; i < waiting; i++)
            queue[i] = pm_leak_queued(search, i);
        pm_free(search->queue);
        search->queue = queue;
        search->queue_capacity = capacity;
        search->head = 0;
        search->tail = waiting;
    }
    search->queue[search->tail++ & (search->queue_capacity - 1)] = block;
}

void pm_leak_prefetch_queue(const struct pm_leak_search *search)
{
    const struct pm_leaks *leaks = search->leaks;
    u32 waiting = search->tail - search->head;

    if (waiting > 2 * AHEAD)
        __builtin_prefetch(&leaks->blocks[pm_leak_queued(search, 2 * AHEAD)]);
    if (waiting > AHEAD) {
        const struct pm_leak_block *block = &leaks->blocks[pm_leak_queued(search, AHEAD)];
        const u8 *page = pm_leak_index_page(&leaks->index, block->address)->bytes;
        u64 in_page = block->address & (PAGE_BYTES - 1);
        u64 bytes = PAGE_BYTES - in_page < block->bytes ? PAGE_BYTES - in_page : block->bytes;
        for (u64 i = 0; page != NULL && i < bytes && i < 4 * LINE; i += LINE)
            __builtin_prefetch(page + in_page + i);
    }
}

void pm_leak_empty_queue(struct pm_leak_search *search)
{
    while (search->head != search->tail || search->batched > 0) {
        if (search->head == search->tail) {
            pm_leak_flush(search);
            continue;
        }
        pm_leak_prefetch_queue(search);
        const u32 block = pm_leak_queued(search, 0);
        search->head++;
        pm_leak_gather_block(search, block);
    }
}

static bool word_in(const struct pm_leak_search *search, const struct pm_leak_block *block,
                    u64 offset, u64 *word)
{
    return block->bytes >= WORD && offset <= block->bytes - WORD
        && pm_reader_read_u64(search->leaks->reader, block->address + offset, word);
}

static bool may_be_vtable(const struct pm_leak_search *search, u64 address)
{
    return address % WORD == 0 && address >= PAGE_BYTES
        && search->leaks->is_vtable(search->leaks->context, address);
}

/* The heuristic that accepts this interior pointer as a start pointer, or 0; as
   heuristic_reachedness in memcheck/mc_leakcheck.c, and in its order. */
static u8 find_heuristic(const struct pm_leak_search *search, const struct pm_leak_word *word)
{
    const struct pm_leaks *leaks = search->leaks;
    const struct pm_leak_block *block = &leaks->blocks[word->block];
    u64 offset = word->value - block->address, first, second, inner;

    if (leaks->heuristics == 0 || !word_in(search, block, 0, &first))
        return 0;
    /* length, capacity, count of references, characters, a NUL */
    if ((leaks->heuristics & PM_LEAK_STDSTRING) && offset == 3 * WORD
        && word_in(search, block, WORD, &second) && second + 3 * WORD + 1 == block->bytes
        && first <= second)
        return PM_LEAK_STDSTRING;
    /* how many bytes follow */
    if ((leaks->heuristics & PM_LEAK_LENGTH64) && offset == WORD && first > 0
        && block->bytes - WORD == first)
        return PM_LEAK_LENGTH64;
    /* how many elements follow */
    if ((leaks->heuristics & PM_LEAK_NEWARRAY) && offset == WORD && first > 0
        && (block->bytes - WORD) % first == 0)
        return PM_LEAK_NEWARRAY;
    /* tables of virtual functions of the whole and of a base class */
    if ((leaks->heuristics & PM_LEAK_MULTIPLE_INHERITANCE) && leaks->is_vtable != NULL
        && word->value % WORD == 0 && word_in(search, block, offset, &inner)
        && may_be_vtable(search, inner) && may_be_vtable(search, first))
        return PM_LEAK_MULTIPLE_INHERITANCE;
    return 0;
}

static u32 depth_by(const struct pm_leak_search *search, const struct pm_leak_word *word)
{
    return word->from_block == PM_LEAK_NONE ? 1 : search->blocks[word->from_block].leader + 1;
}

/* Which aligned word of a block, or of a root in memory; of values, which value. */
static u32 word_number(const struct pm_leak_search *search, const struct pm_leak_word *word)
{
    const struct pm_leak_root *root;

    if (word->from_block != PM_LEAK_NONE)
        return (u32)((word->where - pm_leak_first_word(search->blocks[word->from_block].address)) / WORD);
    root = &search->leaks->roots[word->from_root];
    return (u32)(root->values != NULL ? word->where : (word->where - pm_leak_first_word(root->start)) / WORD);
}

void pm_leak_mark(struct pm_leak_search *search, const struct pm_leak_word *word, enum pm_leak_mark what)
{
    struct pm_leak_block *block = &search->blocks[word->block];

    block->kind = what;
    block->leader = depth_by(search, word);
    block->from = word->from_block != PM_LEAK_NONE ? word->from_block : PM_LEAK_FROM_ROOT | word->from_root;
    block->from_word = word_number(search, word);
}

static void add_candidate(struct pm_leak_search *search, u32 block)
{
    if (search->candidate_count == search->candidate_capacity) {
        search->candidate_capacity = search->candidate_capacity ? search->candidate_capacity * 2 : 256;
        search->candidates = pm_realloc("pm.leaks.candidates", search->candidates,
                                        search->candidate_capacity * sizeof *search->candidates);
    }
    search->candidates[search->candidate_count++] = block;
}

void pm_leak_visit_definite(struct pm_leak_search *search, const struct pm_leak_word *word)
{
    struct pm_leak_block *target = &search->blocks[word->block];
    u8 heuristic = 0;

    if (target->kind == PM_MARK_REACHABLE) {
        if (word->is_start && search->leaks->heuristics != 0)
            target->heuristic = 0;
        return;
    }
    if (!word->is_start)
        heuristic = find_heuristic(search, word);
    if (word->is_start || heuristic != 0) {
        target->heuristic = heuristic & 15;
        pm_leak_mark(search, word, PM_MARK_REACHABLE);
        pm_leak_enqueue(search, word->block);
    } else if (target->kind == PM_MARK_NONE) {
        pm_leak_mark(search, word, PM_MARK_CANDIDATE);
        add_candidate(search, word->block);
    }
}

static void visit_possible(struct pm_leak_search *search, const struct pm_leak_word *word)
{
    const struct pm_leak_block *target = &search->blocks[word->block];

    if (target->kind == PM_MARK_REACHABLE || target->kind == PM_MARK_POSSIBLE
        || (target->kind == PM_MARK_CANDIDATE && target->leader <= depth_by(search, word)))
        return;
    pm_leak_mark(search, word, PM_MARK_POSSIBLE);
    pm_leak_enqueue(search, word->block);
}

static void search_definite(struct pm_leak_search *search)
{
    const struct pm_leaks *leaks = search->leaks;

    search->visit = pm_leak_visit_definite;
    for (u32 i = 0; i < leaks->root_count; i++) {
        const struct pm_leak_root *root = &leaks->roots[i];
        if (root->values != NULL) {
            account(search, root->bytes);
            gather(search, (const u8 *)root->values, root->bytes / WORD, 0, 1, PM_LEAK_NONE, i);
        } else {
            gather_range(search, round_up(root->start), round_down(root->start + root->bytes),
                         PM_LEAK_NONE, i);
        }
    }
    pm_leak_flush(search);
    if (leaks->preferred_count > 0)
        pm_leak_search_preferred(search);
    pm_leak_empty_queue(search);
}

/* The nearest block of the queue and the candidates. */
static u32 nearest(struct pm_leak_search *search, bool *is_candidate)
{
    u32 from_queue = search->head != search->tail ? pm_leak_queued(search, 0) : PM_LEAK_NONE;
    u32 candidate = PM_LEAK_NONE;

    while (search->candidate < search->candidate_count) {
        candidate = search->candidates[search->candidate];
        if (search->blocks[candidate].kind == PM_MARK_CANDIDATE)
            break;
        candidate = PM_LEAK_NONE;
        search->candidate++;
    }
    *is_candidate = candidate != PM_LEAK_NONE
        && (from_queue == PM_LEAK_NONE
            || search->blocks[candidate].leader <= search->blocks[from_queue].leader);
    return *is_candidate ? candidate : from_queue;
}

static void search_possible(struct pm_leak_search *search)
{
    u32 batch_depth = 0;    /* of the blocks with the words in the batch */

    search->visit = visit_possible;
    search->head = search->tail = 0;
    for (;;) {
        bool is_candidate;
        u32 block = nearest(search, &is_candidate);

        /* The batch may lead to a nearer block. */
        if (search->batched > 0
            && (block == PM_LEAK_NONE || search->blocks[block].leader > batch_depth)) {
            pm_leak_flush(search);
            continue;
        }
        if (block == PM_LEAK_NONE)
            break;
        if (is_candidate) {
            search->blocks[block].kind = PM_MARK_POSSIBLE;
            search->candidate++;
        } else {
            pm_leak_prefetch_queue(search);
            search->head++;
        }
        batch_depth = search->blocks[block].leader;
        pm_leak_gather_block(search, block);
    }
}

static u64 scannable_bytes(const struct pm_leaks *leaks)
{
    u64 bytes = 0;

    for (u32 i = 0; i < leaks->root_count; i++)
        bytes += leaks->roots[i].bytes;
    for (u32 i = 0; i < leaks->block_count; i++)
        bytes += leaks->blocks[i].flags & PM_LEAK_OPAQUE ? 0 : leaks->blocks[i].bytes;
    return bytes;
}

static void prepare(struct pm_leak_search *search)
{
    struct pm_leaks *leaks = search->leaks;
    u32 count = leaks->block_count;

    leaks->scanned_bytes = leaks->unreadable_bytes = 0;
    search->all_bytes = scannable_bytes(leaks);
    search->progress_at = PROGRESS_BYTES;
    search->count_references = true;
    search->blocks = leaks->blocks;
    for (u32 i = 0; i < count; i++) {
        struct pm_leak_block *block = &leaks->blocks[i];

        block->kind = PM_MARK_NONE;
        block->heuristic = 0;
        block->leader = 0;
        if (block->flags & PM_LEAK_OBJECT)
            block->references = 0;
        block->cycle = block->with_leader = 0;
        block->from = PM_LEAK_NONE;
        block->from_word = 0;
    }
}

void pm_leaks_search(struct pm_leaks *leaks)
{
    static const u8 kinds[] = {
        [PM_MARK_POSSIBLE] = PM_LEAK_POSSIBLE, [PM_MARK_REACHABLE] = PM_LEAK_REACHABLE,
        [PM_MARK_LEADER] = PM_LEAK_DEFINITE, [PM_MARK_INDIRECT] = PM_LEAK_INDIRECT,
    };
    struct pm_leak_search *search = pm_alloc_zero("pm.leaks.search", sizeof *search);

    search->leaks = leaks;
    pm_leak_index_release(&leaks->index);
    pm_leak_index_make(&leaks->index, leaks->reader, leaks->block_count, extent_of, leaks->blocks);
    if (leaks->missed != NULL)
        pm_leak_index_widen(&leaks->index, leaks->missed_from, leaks->missed_to);
    prepare(search);
    search_definite(search);
    if (!leaks->cliques_of_possible)
        search_possible(search);
    for (u32 i = 0; i < leaks->block_count; i++)
        leaks->blocks[i].leader = i;
    pm_leak_search_lost(search);
    for (u32 i = 0; i < leaks->block_count; i++)
        leaks->blocks[i].kind = kinds[leaks->blocks[i].kind];
    pm_leaks_find_cliques(leaks);
    pm_free(search->queue);
    pm_free(search->candidates);
    pm_free(search);
}

u64 pm_leak_from_address(const struct pm_leaks *leaks, const struct pm_leak_block *block)
{
    const u32 from = pm_leak_from_block(block), root = pm_leak_from_root(block);

    if (from != PM_LEAK_NONE)
        return pm_leak_first_word(leaks->blocks[from].address) + (u64)block->from_word * WORD;
    if (root == PM_LEAK_NONE)
        return 0;
    return leaks->roots[root].values != NULL ? block->from_word
        : pm_leak_first_word(leaks->roots[root].start) + (u64)block->from_word * WORD;
}

/* --- Cliques --- */

void pm_leaks_find_cliques(struct pm_leaks *leaks)
{
    const struct pm_leak_block *blocks = leaks->blocks;

    pm_ranks_release(&leaks->leaders);
    pm_free(leaks->cliques);
    pm_ranks_init(&leaks->leaders, leaks->block_count);
    for (u32 i = 0; i < leaks->block_count; i++)
        if (blocks[i].kind == PM_LEAK_INDIRECT || blocks[i].cycle)
            pm_ranks_set(&leaks->leaders, blocks[i].leader);
    pm_ranks_finish(&leaks->leaders, leaks->block_count);
    leaks->cliques = pm_alloc_zero("pm.leaks.cliques", (leaks->leaders.count + (size_t)1) * sizeof *leaks->cliques);
    for (u32 i = 0; i < leaks->block_count; i++) {
        if (blocks[i].kind != PM_LEAK_INDIRECT && !blocks[i].cycle)
            continue;
        struct pm_leak_clique *clique = &leaks->cliques[pm_ranks_rank(&leaks->leaders, blocks[i].leader)];
        if (blocks[i].kind == PM_LEAK_INDIRECT) {
            clique->bytes += blocks[i].bytes;
            clique->blocks++;
        }
        clique->cycle_blocks += blocks[i].cycle;
    }
}

struct pm_leak_clique pm_leaks_clique(const struct pm_leaks *leaks, u32 leader)
{
    return pm_ranks_has(&leaks->leaders, leader) ? leaks->cliques[pm_ranks_rank(&leaks->leaders, leader)]
        : (struct pm_leak_clique){ 0 };
}
