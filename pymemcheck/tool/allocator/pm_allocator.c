/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The core passes no context to these callbacks, so the run is kept here.
   Counting follows Memcheck (memcheck/mc_malloc_wrappers.c, 3.19) to the
   letter, so that both print the same HEAP SUMMARY: a failed malloc counts
   nothing; a realloc is one free and one allocation even when it fails; a
   free of an unknown address counts as a free. */
#include "config.h"

#include "pub_tool_basics.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_mallocfree.h"
#include "pub_tool_replacemalloc.h"
#include "pub_tool_threadstate.h"
#include "pub_tool_tooliface.h"

#include "tool/allocator/pm_allocator.h"

#include "base/pm_platform.h"
#include "cpython/pm_frame_values.h"
#include "tool/allocator/pm_custom_requests.h"
#include "tool/errors/pm_wrong_frees.h"
#include "tool/pm_memory.h"
#include "tool/pm_memory_limit.h"
#include "tool/pm_run.h"

static struct pm_run *the_run;

static struct pm_site_id site_of_block(const struct pm_block *block)
{
    return (struct pm_site_id){ (u32)block->site };
}

struct pm_stack_id pm_allocator_stack(const struct pm_run *run, const struct pm_block *block)
{
    return pm_site_stack(pm_sites_at(&run->sites, block->site));
}

/* A request that no machine can meet: negative when taken as signed. */
static bool is_absurd(SizeT bytes)
{
    return (SSizeT)bytes < 0;
}

static struct pm_site_id site_of(struct pm_run *run, const struct pm_captured *captured)
{
    if (*captured->site == 0)
        *captured->site = pm_site_note(pm_sites_of(&run->sites, captured->stack));
    return pm_noted_site(*captured->site);
}

/* place: of a block that stays where it is, its record; else NULL. */
static void enter(struct pm_run *run, ThreadId tid, u64 address, SizeT bytes,
                  enum pm_block_origin origin, struct pm_block *place)
{
    const struct pm_captured captured = pm_capture_stack(run, tid);
    const struct pm_site_id site = site_of(run, &captured);
    pm_sites_prefetch(&run->sites, site);
    u64 padding = captured.debug_hooks == 0
        ? 0 : captured.debug_hooks * (u64)pm_layout_hook_padding(run->python.interpreter.layout);
    if (padding > bytes)
        padding = 0;
    /* What does not fit counts as asked for. */
    if (padding > PM_BLOCK_MAX_PADDING)
        padding = PM_BLOCK_MAX_PADDING;
    u32 thread = pm_python_thread_ordinal(&run->python, tid);
    const bool raising = pm_python_is_raising(&run->python, tid);
    /* From the last number on all have that one. */
    run->serial += run->serial < PM_BLOCK_MAX_SERIAL;
    const u64 serial = run->serial;
    const struct pm_block block = {
        .address = address,
        .bytes = bytes,
        .padding_units = padding / PM_BLOCK_PADDING_UNIT,
        .origin = origin,
        .is_code = false,
        .raising = raising,
        .thread = thread < PM_BLOCK_MAX_THREAD ? thread : PM_BLOCK_MAX_THREAD,
        .site = site.v,
        .serial = serial,
    };

    run->newest_address = address;
    run->newest_room = bytes <= PM_ALLOCATOR_MAX_HEADER_BYTES ? bytes : PM_ALLOCATOR_MAX_HEADER_BYTES + 1;
    run->newest_births = 0;
    run->totals.padding_bytes += padding;
    if (place != NULL)
        *place = block;
    else
        pm_blocks_insert(&run->blocks, &block);
    pm_sites_allocate(&run->sites, site, bytes - padding, padding, serial);
}

static void leave(struct pm_run *run, const struct pm_block *block)
{
    if (block->is_code)
        pm_python_forget_code(&run->python, block->address);
    pm_sites_free(&run->sites, site_of_block(block), pm_block_requested_bytes(block),
                  pm_block_padding_bytes(block));
}

static u64 get_region(void *context, u64 alignment, u64 bytes)
{
    return pm_memory_limit_allows(context, bytes + alignment) ? (u64)VG_(cli_malloc)(alignment, bytes) : 0;
}

/* Small blocks of the usual alignment come from slabs, the others from the core. */
static void *take_memory(struct pm_run *run, SizeT bytes, SizeT alignment)
{
    u64 address = alignment == PM_SLAB_GRAIN ? pm_blocks_take(&run->blocks, bytes) : 0;

    if (address != 0)
        return (void *)address;
    void *memory = pm_memory_limit_allows(run, bytes) ? VG_(cli_malloc)(alignment, bytes) : NULL;
    pm_blocks_prefetch(&run->blocks, (u64)memory);
    return memory;
}

/* What is freed is overwritten, so that an old pointer in memory that is used
   again does not pass for one of the new owner's. Of larger blocks the core unmaps
   what it can. */
enum { OVERWRITTEN_BYTES = 4 << 20 };

/* The core unmaps an emptied part of the program's heap without telling tools;
   what the reader knows of pages is renewed before it gets old. Slabs stay mapped. */
enum { READER_RENEWAL = 256 };

static void give_to_core(struct pm_run *run, void *memory)
{
    if (++run->core_frees % READER_RENEWAL == 0)
        pm_reader_forget(&run->reader);
    VG_(cli_free)(memory);
}

static struct pm_stack_id stack_of_free(struct pm_run *run, ThreadId tid)
{
    return run->options.free_stacks ? pm_capture_stack(run, tid).stack : PM_STACK_EMPTY;
}

/* Whether the block's memory, or some of it, cannot be used any more, since the program
   protected or unmapped it. */
static bool is_protected(const struct pm_run *run, const struct pm_block *block)
{
    return __builtin_expect(run->heap_protected, 0) && !pm_memory_is_writable(block->address, block->bytes);
}

static void fill(const struct pm_run *run, u64 address, u8 value, u64 bytes)
{
    if (__builtin_expect(run->heap_protected, 0))
        pm_memory_fill_writable(address, value, bytes);
    else
        VG_(memset)((void *)address, value, bytes);
}

/* Takes the block out of the tables and frees its memory. Memory that cannot be written any more is
   not used again: whoever got it next would die of it. */
static void give_back(struct pm_run *run, ThreadId tid, struct pm_block *found)
{
    const struct pm_block block = *found;
    const bool retired = is_protected(run, &block);
    bool in_slab = false;

    pm_sites_prefetch(&run->sites, site_of_block(&block));
    if (retired)
        pm_blocks_retire_found(&run->blocks, found);
    else
        in_slab = pm_blocks_remove_found(&run->blocks, found) != 0;
    fill(run, block.address, 0, block.bytes < OVERWRITTEN_BYTES ? block.bytes : OVERWRITTEN_BYTES);
    leave(run, &block);
    pm_freed_add(&run->freed, &block, pm_allocator_stack(run, &block), stack_of_free(run, tid));
    if (!in_slab && !retired)
        give_to_core(run, (void *)block.address);
}

static void hand_out(struct pm_run *run, ThreadId tid, void *memory, SizeT bytes, bool zero,
                     enum pm_block_origin origin)
{
    if (zero)
        fill(run, (u64)memory, 0, bytes);
    run->totals.allocs++;
    run->totals.bytes += bytes;
    enter(run, tid, (u64)memory, bytes, origin, NULL);
}

static void *allocate(ThreadId tid, SizeT bytes, SizeT alignment, bool zero,
                      enum pm_block_origin origin)
{
    struct pm_run *run = the_run;
    void *memory = is_absurd(bytes) ? NULL : take_memory(run, bytes, alignment);

    if (memory == NULL)
        run->troubles.failed_allocations++;
    else
        hand_out(run, tid, memory, bytes, zero, origin);
    return memory;
}

static void release(ThreadId tid, void *memory, enum pm_block_origin origin)
{
    struct pm_run *run = the_run;
    struct pm_block *found = pm_blocks_find(&run->blocks, (u64)memory);

    run->totals.frees++;
    if (found == NULL) {
        if (!pm_custom_freed_as_heap(run, tid, (u64)memory)) {
            run->troubles.unknown_frees++;
            pm_wrong_frees_unknown(run, tid, (u64)memory);
        }
        return;
    }
    if (found->origin != origin && run->options.mismatched_frees)
        pm_wrong_frees_mismatch(run, tid, found);
    else if (run->options.mismatched_frees)
        pm_wrong_frees_check_domain(run, tid, found);
    give_back(run, tid, found);
}

void pm_allocator_release(struct pm_run *run, u32 tid, u64 address, enum pm_block_origin origin)
{
    (void)run;
    release(tid, (void *)address, origin);
}

static void *on_malloc(ThreadId tid, SizeT bytes)
{
    return allocate(tid, bytes, VG_(clo_alignment), false, PM_BLOCK_MALLOC);
}

static void *on_new(ThreadId tid, SizeT bytes)
{
    return allocate(tid, bytes, VG_(clo_alignment), false, PM_BLOCK_NEW);
}

static void *on_new_array(ThreadId tid, SizeT bytes)
{
    return allocate(tid, bytes, VG_(clo_alignment), false, PM_BLOCK_NEW_ARRAY);
}

/* From 3.20 on the aligned callbacks also get the alignment as the program
   gave it; we have no use for it. */
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
    return allocate(tid, bytes, alignment, false, PM_BLOCK_NEW);
}

static void *on_new_array_aligned(ThreadId tid, SizeT bytes, SizeT alignment ORIGINAL_ALIGNMENT)
{
    IGNORE_ORIGINAL_ALIGNMENT;
    return allocate(tid, bytes, alignment, false, PM_BLOCK_NEW_ARRAY);
}

static void *on_memalign(ThreadId tid, SizeT alignment ORIGINAL_ALIGNMENT, SizeT bytes)
{
    IGNORE_ORIGINAL_ALIGNMENT;
    return allocate(tid, bytes, alignment, false, PM_BLOCK_MALLOC);
}

static void *on_calloc(ThreadId tid, SizeT count, SizeT bytes)
{
    SizeT all;

    if (__builtin_mul_overflow(count, bytes, &all)) {
        the_run->troubles.failed_allocations++;
        return NULL;
    }
    return allocate(tid, all, VG_(clo_alignment), true, PM_BLOCK_MALLOC);
}

static void on_free(ThreadId tid, void *memory)
{
    release(tid, memory, PM_BLOCK_MALLOC);
}

static void on_delete(ThreadId tid, void *memory)
{
    release(tid, memory, PM_BLOCK_NEW);
}

static void on_delete_array(ThreadId tid, void *memory)
{
    release(tid, memory, PM_BLOCK_NEW_ARRAY);
}

static void on_delete_aligned(ThreadId tid, void *memory, SizeT alignment)
{
    (void)alignment;
    release(tid, memory, PM_BLOCK_NEW);
}

static void on_delete_array_aligned(ThreadId tid, void *memory, SizeT alignment)
{
    (void)alignment;
    release(tid, memory, PM_BLOCK_NEW_ARRAY);
}

/* Keeps a block where it is when it still fits and does not waste half of
   what it holds. */
static bool fits_in_place(const struct pm_run *run, void *memory, SizeT bytes)
{
    SizeT usable = pm_blocks_slab_bytes(&run->blocks, (u64)memory);
    if (usable == 0)
        usable = VG_(cli_malloc_usable_size)(memory);
    return bytes <= usable && bytes >= usable / 2;
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

    if (memory == NULL)
        return on_malloc(tid, bytes);
    if (realloc_frees(bytes)) {
        release(tid, memory, PM_BLOCK_MALLOC);
        return NULL;
    }
    if (is_absurd(bytes)) {
        run->troubles.failed_allocations++;
        return NULL;
    }
    run->totals.frees++;
    run->totals.allocs++;
    run->totals.bytes += bytes;
    struct pm_block *found = pm_blocks_find(&run->blocks, (u64)memory);
    if (found == NULL) {
        run->troubles.unknown_frees++;
        pm_wrong_frees_unknown(run, tid, (u64)memory);
        return NULL;
    }
    if (found->origin != PM_BLOCK_MALLOC && run->options.mismatched_frees)
        pm_wrong_frees_mismatch(run, tid, found);
    else if (run->options.mismatched_frees)
        pm_wrong_frees_check_domain(run, tid, found);
    if (fits_in_place(run, memory, bytes)) {
        leave(run, found);
        enter(run, tid, (u64)memory, bytes, PM_BLOCK_MALLOC, found);
        return memory;
    }
    void *moved = take_memory(run, bytes, VG_(clo_alignment));
    if (moved == NULL) {
        run->troubles.failed_allocations++;
        return NULL;
    }
    const u64 kept = found->bytes < bytes ? found->bytes : bytes;
    if (run->heap_protected)
        pm_memory_copy_readable((u64)moved, (u64)memory, kept);
    else
        VG_(memcpy)(moved, memory, kept);
    give_back(run, tid, found);
    enter(run, tid, (u64)moved, bytes, PM_BLOCK_MALLOC, NULL);
    return moved;
}

static SizeT on_usable_size(ThreadId tid, void *memory)
{
    const struct pm_block *block = pm_blocks_find(&the_run->blocks, (u64)memory);

    (void)tid;
    return block != NULL ? block->bytes : 0;
}

/* Py_TPFLAGS_ of a type (Include/object.h). */
enum { TYPE_HAVE_GC = 1u << 14, DICT_SUBCLASS = 1u << 29, TYPE_SUBCLASS = 1u << 31 };

/* The type of what is at object, if its type's type is one of types; else 0. Other things that begin
   with a count of 1 are then told from objects: dict keys, which have free
   lists too, have odd small numbers in this place (Objects/dictobject.c,
   struct _dictkeysobject), and what the collector counts in front of an object is followed by
   a pointer to another object (Modules/gcmodule.c, PyGC_Head up to 3.7). */
static u64 object_type(struct pm_run *run, const struct pm_layout *layout, u64 object)
{
    const u64 offset = (u64)layout->at.object_type;
    u64 type, metatype, flags;

    return pm_reader_read_u64(&run->reader, object + offset, &type) && type % 8 == 0
            && pm_reader_read_u64(&run->reader, type + offset, &metatype) && metatype % 8 == 0
            && pm_reader_read_u64(&run->reader, metatype + (u64)layout->at.type_flags, &flags)
            && (flags & TYPE_SUBCLASS) != 0
        ? type : 0;
}

/* The block that object lies in, if it starts at the object, before its GC head, before what
   a debug hook keeps, or before both; else NULL. */
static struct pm_block *block_of_object(struct pm_run *run, const struct pm_layout *layout,
                                        u64 object)
{
    u64 gc_head = (u64)layout->at.gc_head_bytes, hook_prefix = layout->hook_prefix_bytes;
    const u64 header_bytes[] = { 0, gc_head, hook_prefix, hook_prefix + gc_head };
    bool in_slabs;
    struct pm_block *around = pm_blocks_around(&run->blocks, object, &in_slabs);

    for (size_t i = 0; i < PM_ARRAY_LENGTH(header_bytes); i++) {
        struct pm_block *block = around;
        if (!in_slabs)
            block = pm_blocks_find(&run->blocks, object - header_bytes[i]);
        if (block != NULL && block->address == object - header_bytes[i])
            return block;
    }
    return NULL;
}

/* A frame that begins again takes over what others left on its evaluation stack. That would keep
   what it points to alive while the frame runs. */
static void clear_unused_values(struct pm_run *run, const struct pm_layout *layout,
                                const struct pm_block *block, u64 frame)
{
    u64 first, end;

    if (!pm_frame_unused_values(layout, &run->reader, frame, &first, &end)
            || end > block->address + block->bytes)
        return;
    for (u64 *word = (u64 *)first; word < (u64 *)end; word++)
        *word = 0;
}

/* Whether an object of this type, with flags (tp_flags), begins where object lies in block: behind a
   GC head if the collector tracks it, else not. A block of many ints or floats (up to 3.2) has
   one of them in that place too. */
static bool begins_there(const struct pm_layout *layout, const struct pm_block *block, u64 object,
                         u64 flags)
{
    u64 header = object - block->address;
    u64 gc_head = (flags & TYPE_HAVE_GC) != 0 ? (u64)layout->at.gc_head_bytes : 0;

    return header == gc_head || header == layout->hook_prefix_bytes + gc_head;
}

/* Whether instruction is that of dict_dealloc (Objects/dictobject.c, 3.12 and 3.13) by which a dying
   dict is revived as long as its watchers are told: near the beginning of the function that
   the type names for it. tp_dealloc has stood behind tp_itemsize in every version. */
static bool is_dying_dict(struct pm_run *run, const struct pm_layout *layout, u64 type, u64 flags,
                          u64 instruction)
{
    enum { BEGINNING_BYTES = 128 };
    u64 dealloc;

    return instruction != 0 && (flags & DICT_SUBCLASS) != 0
        && pm_reader_read_u64(&run->reader, type + (u64)layout->at.type_item_size + 8, &dealloc)
        && instruction - dealloc < BEGINNING_BYTES;
}

/* Whether what is at object is one that was born now. Up to 3.10 most are frames; their type, which is
   known, needs no look. */
static bool is_born(struct pm_run *run, const struct pm_layout *layout, const struct pm_block *block,
                    u64 object, u64 instruction)
{
    u64 type, flags = 0;
    const bool search = run->options.leak_check != PM_LEAK_CHECK_NO;

    if (pm_reader_read_u64(&run->reader, object + (u64)layout->at.object_type, &type) && type != 0
            && type == run->python.frame_type) {
        if (!begins_there(layout, block, object, TYPE_HAVE_GC))
            return false;
        if (search)
            clear_unused_values(run, layout, block, object);
        return true;
    }
    type = object_type(run, layout, object);
    if (type != 0
            && (!pm_reader_read_u64(&run->reader, type + (u64)layout->at.type_flags, &flags)
                || !begins_there(layout, block, object, flags)
                || is_dying_dict(run, layout, type, flags, instruction)))
        return false;
    if (search)
        pm_free_lists_taken(run, object, type);
    return type != 0;
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
    const struct pm_captured captured = pm_capture_stack(run, tid);
    const struct pm_site_id site = site_of(run, &captured);
    block->serial = run->serial;
    if (site.v != block->site) {
        pm_sites_move(&run->sites, site_of_block(block), site, pm_block_requested_bytes(block));
        block->site = site.v;
        run->totals.reused_blocks++;
    }
}

/* Only the callbacks that programs call often. */
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
    give_back(run, tid, found);
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
    u64 bytes = entry == PM_ALLOCATOR_CALLOC ? first * second : first;
    *result = pm_blocks_take(&run->blocks, bytes);
    if (*result == 0)
        return false;
    hand_out(run, tid, (void *)*result, bytes, entry == PM_ALLOCATOR_CALLOC, PM_BLOCK_MALLOC);
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
