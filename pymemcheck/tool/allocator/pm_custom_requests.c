/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_clreq.h"
#include "pub_tool_libcprint.h"

#include "tool/allocator/pm_custom_requests.h"

#include "heap/pm_custom_blocks.h"
#include "tool/allocator/pm_allocation.h"
#include "tool/allocator/pm_allocator.h"
#include "tool/errors/pm_wrong_frees.h"
#include "tool/pm_run.h"

enum { MOST_WARNINGS = 10, SIZE_BITS = 44 };

/* Whether struct pm_block has room for it. */
static bool is_possible(u64 address, u64 bytes)
{
    return address != 0 && bytes >> SIZE_BITS == 0;
}

static struct pm_site_id site_here(struct pm_run *run, u32 tid)
{
    const struct pm_captured captured = pm_capture_stack(run, tid);

    if (*captured.site == 0)
        *captured.site = pm_site_note(pm_sites_of(&run->sites, captured.stack));
    return pm_recording_site(&run->recording, tid, pm_noted_site(*captured.site));
}

static struct pm_site_id site_of(const struct pm_block *block)
{
    return (struct pm_site_id){ (u32)block->site };
}

/* A new block, counted as an allocation. */
static struct pm_block make_block(struct pm_run *run, u32 tid, u64 address, u64 bytes)
{
    const struct pm_site_id site = site_here(run, tid);
    const u32 thread = pm_python_thread_ordinal(&run->python, tid);

    run->totals.allocs++;
    run->totals.bytes += bytes;
    run->serial += run->serial < PM_BLOCK_MAX_SERIAL;
    return (struct pm_block){
        .address = address,
        .bytes = bytes,
        .origin = PM_BLOCK_CUSTOM,
        .raising = pm_python_is_raising(&run->python, tid),
        .thread = thread < PM_BLOCK_MAX_THREAD ? thread : PM_BLOCK_MAX_THREAD,
        .site = site.v,
        .serial = run->serial,
    };
}

static struct pm_stack_id stack_of_free(struct pm_run *run, u32 tid)
{
    return run->options.free_stacks ? pm_capture_stack(run, tid).stack : PM_STACK_EMPTY;
}

/* --- Blocks like malloc's --- */

static void tell(struct pm_run *run, enum pm_event_kind kind, u32 tid, const struct pm_block *block,
                 const struct pm_block *before)
{
    const struct pm_event event = {
        .kind = kind,
        .call = PM_CALL_NONE,
        .tid = tid,
        .block = block,
        .before = before,
        .arguments = { block != NULL ? block->address : before->address },
    };
    pm_events_tell(&run->events, &event);
}

static struct pm_custom_pool *malloclike(struct pm_run *run)
{
    return pm_custom_pool_at(&run->custom, PM_CUSTOM_MALLOCLIKE);
}

/* Of a block that is no longer in its pool. */
static void forget_malloclike(struct pm_run *run, u32 tid, const struct pm_block *block)
{
    tell(run, PM_EVENT_FREED, tid, NULL, block);
    pm_sites_free(&run->sites, site_of(block), block->bytes, 0);
}

static void allocate(struct pm_run *run, u32 tid, u64 address, u64 bytes)
{
    struct pm_custom_pool *pool = malloclike(run);
    const struct pm_block *old;

    if (!is_possible(address, bytes))
        return;
    old = pm_custom_pool_find(&run->custom, pool, address);
    /* Told of twice without a free: the older one is gone. */
    if (old != NULL)
        forget_malloclike(run, tid, old);
    const struct pm_block block = make_block(run, tid, address, bytes);
    pm_sites_allocate(&run->sites, site_of(&block), bytes, 0, block.serial);
    pm_custom_pool_insert(&run->custom, pool, &block);
    tell(run, PM_EVENT_ALLOCATED, tid, &block, NULL);
}

static void refuse(struct pm_run *run, u32 tid, u64 address)
{
    run->troubles.unknown_frees++;
    pm_wrong_frees_unknown(run, tid, address);
}

static void release(struct pm_run *run, u32 tid, u64 address)
{
    struct pm_block block;

    if (pm_custom_pool_remove(&run->custom, malloclike(run), address, &block)) {
        run->totals.frees++;
        forget_malloclike(run, tid, &block);
        pm_freed_add(&run->freed, &block, pm_allocator_stack(run, &block), stack_of_free(run, tid), false);
        return;
    }
    pm_allocation_free(run, &(struct pm_request){ tid, PM_CALL_NONE, { address } });
}

bool pm_custom_freed_as_heap(struct pm_run *run, u32 tid, u64 address)
{
    struct pm_block block;

    if (run->custom.live == 0 || !pm_custom_pool_remove(&run->custom, malloclike(run), address, &block))
        return false;
    if (run->options.mismatched_frees)
        pm_wrong_frees_mismatch(run, tid, &block);
    forget_malloclike(run, tid, &block);
    pm_freed_add(&run->freed, &block, pm_allocator_stack(run, &block), stack_of_free(run, tid), false);
    return true;
}

static void resize(struct pm_run *run, u32 tid, u64 address, u64 old_bytes, u64 new_bytes)
{
    struct pm_block *block = pm_custom_pool_find(&run->custom, malloclike(run), address);

    if (block == NULL || block->bytes != old_bytes || new_bytes == 0
            || !is_possible(address, new_bytes)) {
        refuse(run, tid, address);
        return;
    }
    const struct pm_block before = *block;
    pm_sites_resize(&run->sites, site_of(block), old_bytes, new_bytes);
    block->bytes = new_bytes;
    tell(run, PM_EVENT_RESIZED, tid, block, &before);
}

/* --- Pools --- */

/* The pool, or NULL, which is said. */
static struct pm_custom_pool *pool_at(struct pm_run *run, u64 address)
{
    struct pm_custom_pool *pool = address == PM_CUSTOM_MALLOCLIKE ? NULL : pm_custom_pool_at(&run->custom, address);

    if (pool == NULL && run->unknown_pools++ < MOST_WARNINGS)
        VG_(umsg)("pymemcheck: warning: there is no memory pool at 0x%lx (VALGRIND_CREATE_MEMPOOL)\n", address);
    return pool;
}

static void create_pool(struct pm_run *run, u64 address, u64 flags)
{
    if (address != PM_CUSTOM_MALLOCLIKE)
        pm_custom_pool_create(&run->custom, address, (flags & VALGRIND_MEMPOOL_AUTO_FREE) != 0);
}

static void allocate_in(struct pm_run *run, u32 tid, u64 pool_address, u64 address, u64 bytes)
{
    struct pm_custom_pool *pool = pool_at(run, pool_address);

    if (pool == NULL || !is_possible(address, bytes))
        return;
    const struct pm_block block = make_block(run, tid, address, bytes);
    pm_sites_count(&run->sites, site_of(&block), bytes, block.serial);
    pm_custom_pool_insert(&run->custom, pool, &block);
}

struct freeing {
    struct pm_run *run;
    u32 tid;
};

static void note_freed(void *context, const struct pm_block *block)
{
    struct pm_run *run = context;
    pm_freed_add(&run->freed, block, pm_allocator_stack(run, block), PM_STACK_EMPTY, false);
}

static void auto_free(void *context, const struct pm_block *block)
{
    const struct freeing *freeing = context;

    forget_malloclike(freeing->run, freeing->tid, block);
    note_freed(freeing->run, block);
}

static void free_in(struct pm_run *run, u32 tid, u64 pool_address, u64 address)
{
    struct pm_custom_pool *pool = pool_at(run, pool_address);
    struct pm_block block;

    if (pool == NULL)
        return;
    if (!pm_custom_pool_remove(&run->custom, pool, address, &block)) {
        refuse(run, tid, address);
        return;
    }
    if (pool->auto_free)
        pm_custom_pool_clear(&run->custom, malloclike(run), block.address, block.bytes, auto_free,
                             &(struct freeing){ run, tid });
    pm_freed_add(&run->freed, &block, pm_allocator_stack(run, &block), stack_of_free(run, tid), false);
}

static void change_in(struct pm_run *run, u32 tid, u64 pool_address, u64 from, const u64 to[2])
{
    struct pm_custom_pool *pool = pool_at(run, pool_address);
    struct pm_block block;

    if (pool == NULL)
        return;
    if (!pm_custom_pool_remove(&run->custom, pool, from, &block)) {
        refuse(run, tid, from);
        return;
    }
    if (!is_possible(to[0], to[1]))
        return;
    block.address = to[0];
    block.bytes = to[1];
    pm_custom_pool_insert(&run->custom, pool, &block);
}

static bool pool_request(struct pm_run *run, u32 tid, const u64 *args, u64 *answer)
{
    struct pm_custom_pool *pool;

    switch (args[0]) {
    case VG_USERREQ__CREATE_MEMPOOL:
        create_pool(run, args[1], args[4]);
        return true;
    case VG_USERREQ__DESTROY_MEMPOOL:
        if (pool_at(run, args[1]) != NULL)
            pm_custom_pool_destroy(&run->custom, args[1]);
        return true;
    case VG_USERREQ__MEMPOOL_ALLOC:
        allocate_in(run, tid, args[1], args[2], (u32)args[3]);
        return true;
    case VG_USERREQ__MEMPOOL_FREE:
        free_in(run, tid, args[1], args[2]);
        return true;
    case VG_USERREQ__MEMPOOL_TRIM:
        pool = pool_at(run, args[1]);
        if (pool != NULL)
            pm_custom_pool_trim(&run->custom, pool, args[2], (u32)args[3], note_freed, run);
        return true;
    case VG_USERREQ__MOVE_MEMPOOL:
        if (pool_at(run, args[1]) != NULL && args[2] != PM_CUSTOM_MALLOCLIKE)
            pm_custom_pool_move(&run->custom, args[1], args[2]);
        return true;
    case VG_USERREQ__MEMPOOL_CHANGE:
        change_in(run, tid, args[1], args[2], (const u64[]){ args[3], (u32)args[4] });
        return true;
    case VG_USERREQ__MEMPOOL_EXISTS:
        *answer = args[1] != PM_CUSTOM_MALLOCLIKE && pm_custom_pool_at(&run->custom, args[1]) != NULL;
        return true;
    default:
        return false;
    }
}

bool pm_custom_request(struct pm_run *run, u32 tid, const u64 *args, u64 *answer)
{
    *answer = 0;
    switch (args[0]) {
    case VG_USERREQ__MALLOCLIKE_BLOCK:
        allocate(run, tid, args[1], args[2]);
        return true;
    case VG_USERREQ__FREELIKE_BLOCK:
        release(run, tid, args[1]);
        return true;
    case VG_USERREQ__RESIZEINPLACE_BLOCK:
        resize(run, tid, args[1], args[2], args[3]);
        return true;
    default:
        return pool_request(run, tid, args, answer);
    }
}
