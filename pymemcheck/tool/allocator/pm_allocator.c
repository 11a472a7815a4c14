/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The core passes no context to these callbacks, so the run is kept here. */
#include "config.h"

#include "pub_tool_basics.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_mallocfree.h"
#include "pub_tool_replacemalloc.h"
#include "pub_tool_threadstate.h"
#include "pub_tool_tooliface.h"

#include "tool/allocator/pm_allocator.h"

#include "base/pm_bytes.h"
#include "base/pm_platform.h"
#include "cpython/pm_births.h"
#include "tool/allocator/pm_allocation.h"
#include "tool/errors/pm_wrong_frees.h"
#include "tool/pm_memory_limit.h"
#include "tool/pm_run.h"

static struct pm_run *the_run;

struct pm_stack_id pm_allocator_stack(const struct pm_run *run, const struct pm_block *block)
{
    return pm_site_stack(pm_sites_at(&run->sites, block->site));
}

static u64 get_region(void *context, u64 alignment, u64 bytes)
{
    return pm_memory_limit_allows(context, bytes + alignment)
        ? (u64)VG_(cli_malloc)(alignment, bytes) : 0;
}

static void *allocate(ThreadId tid, enum pm_event_call call, u64 first, u64 second, SizeT bytes,
                      SizeT alignment)
{
    const struct pm_request request = { tid, call, { first, second } };
    return pm_allocation_allocate(the_run, &request, bytes, alignment);
}

static void release(ThreadId tid, enum pm_event_call call, void *memory)
{
    const struct pm_request request = { tid, call, { (u64)memory } };
    pm_allocation_free(the_run, &request);
}

static void *on_malloc(ThreadId tid, SizeT bytes)
{
    return allocate(tid, PM_CALL_MALLOC, bytes, 0, bytes, VG_(clo_alignment));
}

static void *on_new(ThreadId tid, SizeT bytes)
{
    return allocate(tid, PM_CALL_NEW, bytes, 0, bytes, VG_(clo_alignment));
}

static void *on_new_array(ThreadId tid, SizeT bytes)
{
    return allocate(tid, PM_CALL_NEW_ARRAY, bytes, 0, bytes, VG_(clo_alignment));
}

/* From 3.20 on the aligned callbacks also get the alignment as the program
   gave it, which we do not need. */
#if PM_HAVE_ORIG_ALIGN
#define ORIGINAL_ALIGNMENT , SizeT original
#define IGNORE_ORIGINAL_ALIGNMENT (void)original
#else
#define ORIGINAL_ALIGNMENT
#define IGNORE_ORIGINAL_ALIGNMENT (void)0
#endif

static void *on_new_aligned(ThreadId tid, SizeT bytes, SizeT alignment ORIGINAL_ALIGNMENT)
{
    IGNORE_ORIGINAL_ALIGNMENT;
    return allocate(tid, PM_CALL_NEW, bytes, alignment, bytes, alignment);
}

static void *on_new_array_aligned(ThreadId tid, SizeT bytes, SizeT alignment ORIGINAL_ALIGNMENT)
{
    IGNORE_ORIGINAL_ALIGNMENT;
    return allocate(tid, PM_CALL_NEW_ARRAY, bytes, alignment, bytes, alignment);
}

static void *on_memalign(ThreadId tid, SizeT alignment ORIGINAL_ALIGNMENT, SizeT bytes)
{
    IGNORE_ORIGINAL_ALIGNMENT;
    return allocate(tid, PM_CALL_MEMALIGN, alignment, bytes, bytes, alignment);
}

static void *on_calloc(ThreadId tid, SizeT count, SizeT bytes)
{
    const struct pm_request request = { tid, PM_CALL_CALLOC, { count, bytes } };
    SizeT all;

    if (__builtin_mul_overflow(count, bytes, &all))
        return pm_allocation_fail(the_run, &request, NULL);
    return pm_allocation_allocate(the_run, &request, all, VG_(clo_alignment));
}

static void on_free(ThreadId tid, void *memory)
{
    release(tid, PM_CALL_FREE, memory);
}

static void on_delete(ThreadId tid, void *memory)
{
    release(tid, PM_CALL_DELETE, memory);
}

static void on_delete_array(ThreadId tid, void *memory)
{
    release(tid, PM_CALL_DELETE_ARRAY, memory);
}

static void on_delete_aligned(ThreadId tid, void *memory, SizeT alignment)
{
    (void)alignment;
    release(tid, PM_CALL_DELETE, memory);
}

static void on_delete_array_aligned(ThreadId tid, void *memory, SizeT alignment)
{
    (void)alignment;
    release(tid, PM_CALL_DELETE_ARRAY, memory);
}

/* Whether realloc to bytes is a free; only newer cores leave it to the tool. */
static bool realloc_frees(SizeT bytes)
{
#if PM_HAVE_REALLOC_ZERO_FREES
    return bytes == 0 && VG_(clo_realloc_zero_bytes_frees);
#else
    (void)bytes;
    return false;
#endif
}

static void *on_realloc(ThreadId tid, void *memory, SizeT bytes)
{
    struct pm_run *run = the_run;
    const struct pm_request request = { tid, PM_CALL_REALLOC, { (u64)memory, bytes } };

    if (memory == NULL)
        return pm_allocation_allocate(the_run, &request, bytes, VG_(clo_alignment));
    if (realloc_frees(bytes)) {
        pm_allocation_free(run, &request);
        return NULL;
    }
    return pm_allocation_resize(run, &request);
}

static SizeT on_usable_size(ThreadId tid, void *memory)
{
    const struct pm_block *block = pm_blocks_find(&the_run->blocks, (u64)memory);

    (void)tid;
    return block != NULL ? block->bytes : 0;
}

/* The live block that object lies in, if an object may begin so far behind its start; else NULL. */
static struct pm_block *block_of_object(struct pm_run *run, const struct pm_layout *layout, u64 object)
{
    u64 header_bytes[PM_BIRTH_HEADERS];
    bool in_slabs;
    struct pm_block *around = pm_blocks_around(&run->blocks, object, &in_slabs);

    pm_birth_headers(layout, header_bytes);
    for (size_t i = 0; i < PM_BIRTH_HEADERS; i++) {
        struct pm_block *block = around;
        if (!in_slabs)
            block = pm_blocks_find(&run->blocks, object - header_bytes[i]);
        if (block != NULL && block->address == object - header_bytes[i])
            return block;
    }
    return NULL;
}

static void clear_unused_values(struct pm_run *run, const struct pm_layout *layout,
                                const struct pm_block *block, u64 frame)
{
    u64 first, end;

    if (!pm_birth_unused_values(layout, &run->reader, frame, block->address + block->bytes, &first, &end))
        return;
    for (u64 *word = (u64 *)first; word < (u64 *)end; word++)
        *word = 0;
}

/* Whether an object was born at object. Prepares the leak search for what came out of a free list. */
static bool is_born(struct pm_run *run, const struct pm_layout *layout, const struct pm_block *block,
                    u64 object, u64 instruction)
{
    const struct pm_birth_store store = {
        .object = object, .block = block->address, .instruction = instruction,
    };
    const bool search = run->options.leak_check != PM_LEAK_CHECK_NO;
    u64 type;
    const enum pm_birth birth = pm_birth_judge(layout, &run->reader, run->python.frame_type, &store, &type);

    if (search && birth == PM_BIRTH_FRAME)
        clear_unused_values(run, layout, block, object);
    else if (search && birth != PM_BIRTH_NONE)
        pm_free_lists_learn(&run->free_lists, object, type);
    return birth == PM_BIRTH_OBJECT || birth == PM_BIRTH_FRAME;
}

void pm_allocator_reused(struct pm_run *run, u32 tid, u64 object, u64 instruction)
{
    const struct pm_layout *layout = run->python.interpreter.layout;

    if (layout == NULL)
        return;
    struct pm_block *block = block_of_object(run, layout, object);
    run->births_in_no_block += block == NULL;
    if (block == NULL || !is_born(run, layout, block, object, instruction))
        return;
    pm_allocation_reuse(run, &(struct pm_request){ tid, PM_CALL_NONE, { object } }, block);
}

bool pm_allocator_call(u64 function, u32 tid, const u64 *arguments, u64 *result)
{
    if (function == (u64)on_malloc)
        *result = (u64)on_malloc(tid, arguments[0]);
    else if (function == (u64)on_free)
        *result = (on_free(tid, (void *)arguments[0]), 0);
    else if (function == (u64)on_delete)
        *result = (on_delete(tid, (void *)arguments[0]), 0);
    else if (function == (u64)on_realloc)
        *result = (u64)on_realloc(tid, (void *)arguments[0], arguments[1]);
    else if (function == (u64)on_calloc)
        *result = (u64)on_calloc(tid, arguments[0], arguments[1]);
    else if (function == (u64)on_new)
        *result = (u64)on_new(tid, arguments[0]);
    else
        return false;
    return true;
}

/* False if there is something to report about freeing the block. */
static bool simple_free(struct pm_run *run, u32 tid, const struct pm_allocator_arguments *arguments)
{
    struct pm_block *found = pm_blocks_find(&run->blocks, arguments->first);

    if (arguments->first == 0)
        return true;
    if (found == NULL || found->origin != PM_BLOCK_MALLOC
            || (run->options.mismatched_frees
                && !pm_wrong_frees_same_domain(run, arguments->stack_pointer, found)))
        return false;
    run->totals.frees++;
    pm_allocation_free_found(run, &(struct pm_request){ tid, PM_CALL_FREE, { arguments->first } },
                             found);
    return true;
}

bool pm_allocator_simple_call(enum pm_allocator_entry entry, u32 tid,
                              const struct pm_allocator_arguments *arguments, u64 *result)
{
    struct pm_run *run = the_run;
    u64 first = arguments->first, second = arguments->second;

    if (entry == PM_ALLOCATOR_FREE)
        return simple_free(run, tid, arguments);
    if (VG_(clo_alignment) != PM_SLAB_GRAIN || first > PM_SLAB_MAX_BYTES
            || (entry == PM_ALLOCATOR_CALLOC && second > PM_SLAB_MAX_BYTES))
        return false;
    const struct pm_request request = {
        tid, entry == PM_ALLOCATOR_CALLOC ? PM_CALL_CALLOC : PM_CALL_MALLOC, { first, second },
    };
    u64 bytes = entry == PM_ALLOCATOR_CALLOC ? first * second : first;
    *result = pm_blocks_allocate(&run->blocks, bytes);
    if (*result == 0)
        return false;
    pm_allocation_hand_out(run, &request, *result, bytes);
    return true;
}

void pm_allocator_register(struct pm_run *run)
{
    the_run = run;
    pm_slabs_init(&run->blocks.slabs, get_region, run);
    VG_(needs_malloc_replacement)(on_malloc, on_new, on_new_aligned, on_new_array,
                                  on_new_array_aligned, on_memalign, on_calloc, on_free,
                                  on_delete, on_delete_aligned, on_delete_array,
                                  on_delete_array_aligned, on_realloc, on_usable_size, 0);
}
