/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Chains that go through preferred blocks: see struct pm_leaks. */
#include "heap/pm_leak_search.h"

#include "base/pm_platform.h"

enum { WORD = 8 };

static bool is_holder(const struct pm_leak_search *search, u32 block)
{
    for (u32 i = 0; i < search->holder_count; i++)
        if (search->holders[i] == block)
            return true;
    return false;
}

static bool is_preferred(const struct pm_leaks *leaks, u32 block)
{
    for (u32 i = 0; i < leaks->preferred_count; i++)
        if (leaks->preferred[i] == block)
            return true;
    return false;
}

/* A block to which a root points directly gets its chain from a preferred one instead, and is looked at now. */
static void visit_preferred(struct pm_leak_search *search, const struct pm_leak_word *word)
{
    const struct pm_leak_block *block = &search->blocks[word->block];

    pm_leak_visit_definite(search, word);
    if (!word->is_start || !(block->from & PM_LEAK_FROM_ROOT) || is_preferred(search->leaks, word->block)
            || is_holder(search, word->block))
        return;
    pm_leak_mark(search, word, PM_MARK_REACHABLE);
    pm_leak_enqueue(search, word->block);
}

/* The word in block that is a start pointer to the object in target. False: there is none. */
static bool find_pointer(const struct pm_leak_search *search, u32 block, u32 target, struct pm_leak_word *word)
{
    const u64 object = search->blocks[target].address + search->blocks[target].object_offset;
    u64 ranges[4], value;

    pm_leak_word_ranges(&search->blocks[block], ranges);
    for (u32 i = 0; i < 4; i += 2)
        for (u64 at = ranges[i]; at < ranges[i + 1]; at += WORD) {
            if (!pm_reader_read_u64(search->leaks->reader, at, &value) || value != object
                    || pm_leak_is_weak(search, block, at))
                continue;
            *word = (struct pm_leak_word){ value, at, block, PM_LEAK_NONE, target, true };
            return true;
        }
    return false;
}

/* Marks a preferred block that one of count blocks holds, to which roots point: up to 3.10 the interpreter's state is
   on the heap. */
static void mark_preferred(struct pm_leak_search *search, u32 block, const u32 *rooted, u32 count)
{
    enum { LARGEST_HOLDER = 1 << 20 };
    struct pm_leak_word word;

    for (u32 i = 0; i < count && search->blocks[block].kind != PM_MARK_REACHABLE; i++)
        if (search->blocks[rooted[i]].bytes <= LARGEST_HOLDER && find_pointer(search, rooted[i], block, &word)) {
            pm_leak_mark(search, &word, PM_MARK_REACHABLE);
            search->holders[search->holder_count++] = rooted[i];
        }
}

void pm_leak_search_preferred(struct pm_leak_search *search)
{
    const struct pm_leaks *leaks = search->leaks;
    const u32 count = search->tail - search->head;
    u32 *rooted = pm_alloc("pm.leaks.rooted", (count + 1) * sizeof *rooted);

    for (u32 i = 0; i < count; i++)
        rooted[i] = pm_leak_queued(search, i);
    search->head = search->tail;
    for (u32 i = 0; i < leaks->preferred_count; i++) {
        mark_preferred(search, leaks->preferred[i], rooted, count);
        if (search->blocks[leaks->preferred[i]].kind == PM_MARK_REACHABLE)
            pm_leak_enqueue(search, leaks->preferred[i]);
    }
    search->visit = visit_preferred;
    pm_leak_empty_queue(search);
    search->visit = pm_leak_visit_definite;
    for (u32 i = 0; i < count; i++)
        if ((search->blocks[rooted[i]].from & PM_LEAK_FROM_ROOT) && !is_preferred(leaks, rooted[i]))
            pm_leak_gather_block(search, rooted[i]);
    pm_free(rooted);
}
