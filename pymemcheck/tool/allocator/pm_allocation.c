/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_replacemalloc.h"

#include "tool/allocator/pm_allocation.h"

#include "base/pm_bytes.h"
#include "base/pm_platform.h"
#include "tool/allocator/pm_allocator.h"
#include "tool/allocator/pm_custom_requests.h"
#include "tool/errors/pm_wrong_frees.h"
#include "tool/pm_memory.h"
#include "tool/pm_memory_limit.h"
#include "tool/pm_run.h"

static struct pm_site_id site_of_block(const struct pm_block *block)
{
    return (struct pm_site_id){ (u32)block->site };
}

/* A request that no machine can meet: negative when taken as signed. */
static bool is_absurd(u64 bytes)
{
    return (i64)bytes < 0;
}

static struct pm_site_id site_of(struct pm_run *run, u32 tid, const struct pm_captured *captured)
{
    if (*captured->site == 0)
        *captured->site = pm_site_note(pm_sites_of(&run->sites, captured->stack));
    return pm_recording_site(&run->recording, tid, pm_noted_site(*captured->site));
}

static inline void tell(const struct pm_run *run, enum pm_event_kind kind,
                        const struct pm_request *request, const struct pm_block *block,
                        const struct pm_block *before)
{
    const struct pm_event event = {
        .kind = kind,
        .call = request->call,
        .tid = request->tid,
        .block = block,
        .before = before,
        .arguments = { request->arguments[0], request->arguments[1] },
    };
    pm_events_tell(&run->events, &event);
}

static enum pm_block_origin origin_of(enum pm_event_call call)
{
    switch (call) {
    case PM_CALL_NEW:
    case PM_CALL_DELETE:
        return PM_BLOCK_NEW;
    case PM_CALL_NEW_ARRAY:
    case PM_CALL_DELETE_ARRAY:
        return PM_BLOCK_NEW_ARRAY;
    case PM_CALL_NONE:
        return PM_BLOCK_CUSTOM;
    default:
        return PM_BLOCK_MALLOC;
    }
}

/* What debug hooks add to a block. More than struct pm_block can hold counts as requested. */
static u64 padding_of(const struct pm_run *run, const struct pm_captured *captured, u64 bytes)
{
    if (captured->debug_hooks == 0)
        return 0;
    const u64 padding = captured->debug_hooks
        * (u64)pm_layout_hook_padding(run->python.interpreter.layout);
    if (padding > bytes)
        return 0;
    return padding < PM_BLOCK_MAX_PADDING ? padding : PM_BLOCK_MAX_PADDING;
}

/* Its number as blocks have it. */
static u32 thread_of(const struct pm_run *run, u32 tid)
{
    const u32 thread = pm_python_thread_ordinal(&run->python, tid);
    return thread < PM_BLOCK_MAX_THREAD ? thread : PM_BLOCK_MAX_THREAD;
}

/* A block of the requesting thread, which allocates it now. */
static struct pm_block describe_block(struct pm_run *run, const struct pm_request *request,
                                      u64 address, u64 bytes)
{
    const struct pm_captured captured = pm_capture_stack(run, request->tid);
    const struct pm_site_id site = site_of(run, request->tid, &captured);
    pm_sites_prefetch(&run->sites, site);

    run->serial += run->serial < PM_BLOCK_MAX_SERIAL;
    return (struct pm_block){
        .address = address,
        .bytes = bytes,
        .padding_units = padding_of(run, &captured, bytes) / PM_BLOCK_PADDING_UNIT,
        .origin = origin_of(request->call),
        .is_code = false,
        .raising = pm_python_is_raising(&run->python, request->tid),
        .thread = thread_of(run, request->tid),
        .site = site.v,
        .serial = run->serial,
    };
}

/* Enters a new block in the tables. place: where a block that stays at its address has its
   record; else NULL. */
static void enter(struct pm_run *run, const struct pm_block *block, struct pm_block *place)
{
    const u64 bytes = block->bytes, padding = pm_block_padding_bytes(block);

    run->newest_address = block->address;
    run->newest_room = bytes <= PM_ALLOCATION_MAX_HEADER_BYTES
        ? bytes : PM_ALLOCATION_MAX_HEADER_BYTES + 1;
    run->newest_births = 0;
    run->totals.padding_bytes += padding;
    if (place != NULL)
        *place = *block;
    else
        pm_blocks_insert(&run->blocks, block);
    pm_sites_note_thread(&run->sites, site_of_block(block), (u32)block->thread);
    pm_sites_allocate(&run->sites, site_of_block(block), bytes - padding, padding, block->serial);
}

/* Takes a freed block out of the figures. */
static void leave(struct pm_run *run, const struct pm_block *block)
{
    if (block->is_code)
        pm_python_forget_code(&run->python, block->address);
    pm_sites_free(&run->sites, site_of_block(block), pm_block_requested_bytes(block),
                  pm_block_padding_bytes(block));
}

/* Freed memory is overwritten, so that an old pointer in memory that is reused does not
   look like one of the new owner's. Larger blocks do not wait, and the core unmaps what it can of
   them. */
enum { OVERWRITTEN_BYTES = PM_FREED_MAX_WAITING_BYTES };

/* The core unmaps an emptied part of the program's heap without telling tools. So the reader
   forgets what it knows of pages before that gets old. Slabs stay mapped. */
enum { READER_RENEWAL = 256 };

static void release_to_core(struct pm_run *run, void *memory)
{
    if (++run->core_frees % READER_RENEWAL == 0)
        pm_reader_forget(&run->reader);
    VG_(cli_free)(memory);
}

static struct pm_stack_id stack_of_free(struct pm_run *run, u32 tid)
{
    return run->options.free_stacks ? pm_capture_stack(run, tid).stack : PM_STACK_EMPTY;
}

/* Whether the program protected or unmapped some of the memory of a block. */
static bool is_protected(const struct pm_run *run, u64 address, u64 bytes)
{
    return __builtin_expect(run->heap_protected, 0) && !pm_memory_is_writable(address, bytes);
}

static void fill(const struct pm_run *run, u64 address, u8 value, u64 bytes)
{
    if (__builtin_expect(run->heap_protected, 0))
        pm_memory_fill_writable(address, value, bytes);
    else
        pm_bytes_fill((void *)address, value, bytes);
}

static void release_memory(struct pm_run *run, u64 address)
{
    if (!pm_blocks_free_retired(&run->blocks, address))
        release_to_core(run, (void *)address);
}

/* Releases the memory that waits, the oldest first, until at most volume_bytes wait. */
static void release_waiting(struct pm_run *run, u64 volume_bytes)
{
    u64 address;

    while ((address = pm_freed_next(&run->freed, volume_bytes)) != 0)
        if (!is_protected(run, address, 1))
            release_memory(run, address);
}

static void *memory_of_core(struct pm_run *run, u64 bytes, u64 alignment)
{
    return pm_memory_limit_allows(run, bytes) ? VG_(cli_malloc)(alignment, bytes) : NULL;
}

/* Small blocks of the usual alignment come from slabs, the others from the core. Where there is
   no memory, freed blocks do not wait any longer. */
static void *allocate_memory(struct pm_run *run, u64 bytes, u64 alignment)
{
    u64 address = alignment == PM_SLAB_GRAIN ? pm_blocks_allocate(&run->blocks, bytes) : 0;

    if (address != 0)
        return (void *)address;
    void *memory = memory_of_core(run, bytes, alignment);
    if (memory == NULL) {
        release_waiting(run, 0);
        memory = memory_of_core(run, bytes, alignment);
    }
    pm_blocks_prefetch(&run->blocks, (u64)memory);
    return memory;
}

/* Takes a freed block out of the tables. Its memory waits, or is released. Memory that can no longer be
   written is not used again: its next owner would crash. */
static void release_block(struct pm_run *run, u32 tid, struct pm_block *found)
{
    const struct pm_block block = *found;
    const bool retired = is_protected(run, block.address, block.bytes);
    /* A generator's frame is part of a stack. If generators took turns in many places, each place
       would be another stack to compute. */
    const bool waits = !retired && pm_freed_should_wait(&run->freed, block.bytes)
        && !pm_python_contains_frame(&run->python, block.address, block.bytes);

    pm_sites_prefetch(&run->sites, site_of_block(&block));
    pm_blocks_retire_found(&run->blocks, found);
    fill(run, block.address, 0, block.bytes < OVERWRITTEN_BYTES ? block.bytes : OVERWRITTEN_BYTES);
    leave(run, &block);
    pm_freed_add(&run->freed, &block, pm_allocator_stack(run, &block), stack_of_free(run, tid), waits);
    if (!waits && !retired)
        release_memory(run, block.address);
    release_waiting(run, run->freed.volume_bytes);
}

void *pm_allocation_fail(struct pm_run *run, const struct pm_request *request,
                         const struct pm_block *before)
{
    run->troubles.failed_allocations++;
    tell(run, PM_EVENT_FAILED, request, NULL, before);
    return NULL;
}

void pm_allocation_hand_out(struct pm_run *run, const struct pm_request *request, u64 memory,
                            u64 bytes)
{
    if (request->call == PM_CALL_CALLOC)
        fill(run, memory, 0, bytes);
    run->totals.allocs++;
    run->totals.bytes += bytes;
    const struct pm_block block = describe_block(run, request, memory, bytes);
    enter(run, &block, NULL);
    tell(run, PM_EVENT_ALLOCATED, request, &block, NULL);
}

void *pm_allocation_allocate(struct pm_run *run, const struct pm_request *request, u64 bytes,
                             u64 alignment)
{
    /* C++'s containers keep pointers to the end of their memory. That is not the next block's beginning, if a byte is left. */
    const bool has_end = request->call == PM_CALL_NEW || request->call == PM_CALL_NEW_ARRAY;
    void *memory = is_absurd(bytes) ? NULL : allocate_memory(run, bytes + has_end, alignment);

    if (memory == NULL)
        return pm_allocation_fail(run, request, NULL);
    pm_allocation_hand_out(run, request, (u64)memory, bytes);
    return memory;
}

/* Reports what is wrong about freeing or resizing a live block. */
static void check_free(struct pm_run *run, const struct pm_request *request,
                       const struct pm_block *found)
{
    if (!run->options.mismatched_frees)
        return;
    if (found->origin != origin_of(request->call))
        pm_wrong_frees_mismatch(run, request->tid, found);
    else
        pm_wrong_frees_check_domain(run, request->tid, found);
}

static void refuse_unknown(struct pm_run *run, const struct pm_request *request)
{
    run->troubles.unknown_frees++;
    pm_wrong_frees_unknown(run, request->tid, request->arguments[0]);
    tell(run, PM_EVENT_UNKNOWN_FREE, request, NULL, NULL);
}

void pm_allocation_free_found(struct pm_run *run, const struct pm_request *request,
                              struct pm_block *found)
{
    tell(run, PM_EVENT_FREED, request, NULL, found);
    release_block(run, request->tid, found);
}

void pm_allocation_free(struct pm_run *run, const struct pm_request *request)
{
    struct pm_block *found = pm_blocks_find(&run->blocks, request->arguments[0]);

    run->totals.frees++;
    if (found == NULL) {
        if (!pm_custom_freed_as_heap(run, request->tid, request->arguments[0]))
            refuse_unknown(run, request);
        return;
    }
    check_free(run, request, found);
    pm_allocation_free_found(run, request, found);
}

/* A block stays where it is if its new size fits and uses at least half of the room. */
static bool fits_in_place(const struct pm_run *run, void *memory, u64 bytes)
{
    u64 usable = pm_blocks_slab_bytes(&run->blocks, (u64)memory);
    if (usable == 0)
        usable = VG_(cli_malloc_usable_size)(memory);
    return bytes <= usable && bytes >= usable / 2;
}

static void resize_in_place(struct pm_run *run, const struct pm_request *request,
                            struct pm_block *found, u64 bytes)
{
    const struct pm_block before = *found;

    leave(run, &before);
    const struct pm_block block = describe_block(run, request, before.address, bytes);
    enter(run, &block, found);
    tell(run, PM_EVENT_RESIZED, request, &block, &before);
}

static void *resize_elsewhere(struct pm_run *run, const struct pm_request *request,
                              struct pm_block *found, u64 bytes)
{
    const struct pm_block before = *found;
    void *moved = allocate_memory(run, bytes, VG_(clo_alignment));

    if (moved == NULL)
        return pm_allocation_fail(run, request, found);
    const u64 kept = before.bytes < bytes ? before.bytes : bytes;
    if (run->heap_protected)
        pm_memory_copy_readable((u64)moved, before.address, kept);
    else
        pm_bytes_copy(moved, (void *)before.address, kept);
    release_block(run, request->tid, found);
    const struct pm_block block = describe_block(run, request, (u64)moved, bytes);
    enter(run, &block, NULL);
    tell(run, PM_EVENT_RESIZED, request, &block, &before);
    return moved;
}

void *pm_allocation_resize(struct pm_run *run, const struct pm_request *request)
{
    const u64 bytes = request->arguments[1];
    struct pm_block *found = pm_blocks_find(&run->blocks, request->arguments[0]);

    if (is_absurd(bytes))
        return pm_allocation_fail(run, request, found);
    run->totals.frees++;
    run->totals.allocs++;
    run->totals.bytes += bytes;
    if (found == NULL) {
        refuse_unknown(run, request);
        return NULL;
    }
    check_free(run, request, found);
    if (!fits_in_place(run, (void *)found->address, bytes))
        return resize_elsewhere(run, request, found, bytes);
    resize_in_place(run, request, found, bytes);
    return (void *)found->address;
}

void pm_allocation_reuse(struct pm_run *run, const struct pm_request *request,
                         struct pm_block *block)
{
    const struct pm_captured captured = pm_capture_stack(run, request->tid);
    const struct pm_site_id site = site_of(run, request->tid, &captured);
    const struct pm_block before = *block;

    block->serial = run->serial;
    if (site.v != block->site) {
        pm_sites_note_thread(&run->sites, site, thread_of(run, request->tid));
        pm_sites_move(&run->sites, site_of_block(block), site, pm_block_requested_bytes(block));
        block->site = site.v;
        run->totals.reused_blocks++;
    }
    tell(run, PM_EVENT_REUSED, request, block, &before);
}
