/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_debuginfo.h"
#include "pub_tool_machine.h"

#include "libvex_guest_amd64.h"

#include "tool/errors/pm_wrong_frees.h"

#include "base/pm_grow.h"
#include "base/pm_platform.h"
#include "heap/pm_freed.h"
#include "tool/capture/pm_callsite.h"
#include "tool/errors/pm_errors.h"
#include "tool/pm_run.h"

/* Where block was allocated. */
static struct pm_stack_id stack_of(const struct pm_run *run, const struct pm_block *block)
{
    return pm_site_stack(pm_sites_at(&run->sites, block->site));
}

struct containing_block {
    u64 address;
    const struct pm_block *found;
};

static void look_at(void *context, struct pm_block *block)
{
    struct containing_block *search = context;

    if (search->address - block->address < block->bytes)
        search->found = block;
}

/* Finds what the address is in. Blocks can be found by their start only, so we look at all of
   them: once for each different error. Live blocks come first: one may lie where an older one
   was. */
static void find_place(struct pm_run *run, struct pm_wrong_free *wrong)
{
    struct containing_block search = { .address = wrong->address };
    const struct pm_freed_block *freed;

    pm_blocks_each(&run->blocks, look_at, &search);
    if (search.found != NULL) {
        wrong->place = PM_PLACE_LIVE;
        wrong->block = (struct pm_freed_block){
            .address = search.found->address,
            .bytes = search.found->bytes,
            .allocated = stack_of(run, search.found),
        };
    } else if ((freed = pm_freed_find(&run->freed, wrong->address)) != NULL) {
        wrong->place = PM_PLACE_FREED;
        wrong->block = *freed;
    }
}

static void describe_nothing(struct pm_run *run, struct pm_wrong_free *wrong)
{
    (void)run;
    (void)wrong;
}

void pm_wrong_frees_unknown(struct pm_run *run, u32 tid, u64 address)
{
    const struct pm_wrong_free wrong = {
        .kind = PM_FREE_INVALID,
        .address = address,
        .stack = pm_capture_stack(run, tid).stack,
    };

    pm_errors_report_free(run, tid, &wrong, find_place);
}

void pm_wrong_frees_mismatch(struct pm_run *run, u32 tid, const struct pm_block *block)
{
    const struct pm_wrong_free wrong = {
        .kind = PM_FREE_MISMATCH,
        .address = block->address,
        .stack = pm_capture_stack(run, tid).stack,
        .place = PM_PLACE_LIVE,
        .block = {
            .address = block->address, .bytes = block->bytes, .allocated = stack_of(run, block),
        },
    };

    pm_errors_report_free(run, tid, &wrong, describe_nothing);
}

/* --- Domains --- */

/* Whether the author of this function chose which interface it calls. Not so in the
   interpreter's own object: compilers that see that PyMem_RawMalloc mostly ends in malloc call
   malloc in its place, and CPython's developers run it with debug hooks that tell the
   interfaces apart. */
static bool is_outside(const struct pm_run *run, const struct pm_frame *frame)
{
    return run->native.evaluator.v != 0 && frame->object.v != run->native.evaluator.v
        && !(frame->function.v != 0
             && pm_domain_is_inside(pm_strings_text(&run->strings, frame->function)));
}

/* Whether a call of this interface in the interpreter's own object tells which one the author chose. PyMem_Free and
   PyObject_Free are called by their names there: an extension's memory may be handed to the interpreter, which frees
   it (tp_doc of a class). PyMem_RawFree is not: CPython's object allocator calls it for large blocks, and may be
   inlined into any function. */
static bool is_chosen_inside(const struct pm_run *run, const struct pm_frame *frame, enum pm_domain domain)
{
    return (domain == PM_DOMAIN_MEM || domain == PM_DOMAIN_OBJECT) && run->native.evaluator.v != 0
        && frame->object.v == run->native.evaluator.v && frame->function.v != 0
        && !pm_domain_is_inside(pm_strings_text(&run->strings, frame->function));
}

static enum pm_domain allocating_domain(struct pm_run *run, struct pm_stack_id stack)
{
    for (; stack.v != 0; stack = pm_stacks_node(&run->stacks, stack).parent) {
        struct pm_frame_id id = pm_stacks_node(&run->stacks, stack).frame;
        const struct pm_frame *frame = pm_frames_get(&run->frames, id);
        u64 address = pm_native_address(&run->native, id);
        if (frame->kind != PM_FRAME_NATIVE || address == 0)
            return PM_DOMAIN_UNKNOWN;
        if (frame->flags & PM_FRAME_ALLOCATOR)
            continue;
        if (!is_outside(run, frame))
            return PM_DOMAIN_UNKNOWN;
        const char *called = pm_callsite_function(&run->reader, address + 1);
        return called != NULL ? pm_domain_of_allocator(called) : PM_DOMAIN_UNKNOWN;
    }
    return PM_DOMAIN_UNKNOWN;
}

static enum pm_domain domain_of_stack(struct pm_run *run, u32 stack)
{
    struct pm_wrong_frees *frees = &run->wrong_frees;

    frees->domains = pm_grow_to("pm.wrong_frees", frees->domains, &frees->domain_count, stack, sizeof *frees->domains);
    if (frees->domains[stack] == 0)
        frees->domains[stack] = (u8)(1 + allocating_domain(run, (struct pm_stack_id){ stack }));
    return (enum pm_domain)(frees->domains[stack] - 1);
}

/* The interface that the caller of free called: free itself, or a function that ended in a
   jump to it. */
static enum pm_domain freeing_domain(struct pm_run *run, u64 return_address)
{
    struct pm_native_frame caller = pm_native_resolve(&run->native, return_address - 1, false);

    if (caller.boundary || caller.hidden)
        return PM_DOMAIN_UNKNOWN;
    const char *called = pm_callsite_function(&run->reader, return_address);
    const enum pm_domain domain = called != NULL ? pm_domain_of_free(called) : PM_DOMAIN_UNKNOWN;
    const struct pm_frame *frame = pm_frames_get(&run->frames, caller.frame);
    return is_outside(run, frame) || is_chosen_inside(run, frame, domain) ? domain : PM_DOMAIN_UNKNOWN;
}

static enum pm_domain domain_at(struct pm_run *run, u64 return_address)
{
    struct pm_wrong_frees *frees = &run->wrong_frees;

    /* A program that loaded objects has allocated since, so the epoch of native names is new
       enough. */
    if (frees->epoch != run->native.epoch) {
        frees->epoch = run->native.epoch;
        pm_zero(frees->sites, sizeof frees->sites);
    }
    struct pm_free_site *site = &frees->sites[(return_address ^ return_address >> 10)
                                              & (PM_FREE_SITES - 1)];
    if (site->return_address != return_address)
        *site = (struct pm_free_site){ return_address, freeing_domain(run, return_address) };
    return site->domain;
}

/* Valgrind compiles the replaced functions with a frame pointer: their return address is above
   the saved one. Were that not so, no call of a freeing function would be found before the
   address that we read, and we would report nothing. */
static bool return_address_of_free(struct pm_run *run, u32 tid, u64 *address)
{
    u64 frame_pointer;

    VG_(get_shadow_regs_area)(tid, (UChar *)&frame_pointer, 0,
                              offsetof(VexGuestAMD64State, guest_RBP), sizeof frame_pointer);
    return pm_reader_read_u64(&run->reader, frame_pointer + 8, address);
}

/* The interfaces through which block was allocated and is freed by a call that returns to return_address.
   True: both are known, and they differ. */
static bool are_domains_mixed(struct pm_run *run, u64 return_address, const struct pm_block *block,
                              enum pm_domain *allocated_by, enum pm_domain *freed_by)
{
    *freed_by = domain_at(run, return_address);
    if (*freed_by == PM_DOMAIN_UNKNOWN)
        return false;
    *allocated_by = domain_of_stack(run, stack_of(run, block).v);
    return *allocated_by != PM_DOMAIN_UNKNOWN && *allocated_by != *freed_by;
}

bool pm_wrong_frees_same_domain(struct pm_run *run, u64 stack_pointer, const struct pm_block *block)
{
    u64 return_address;
    enum pm_domain allocated_by, freed_by;

    return !pm_reader_read_u64(&run->reader, stack_pointer, &return_address)
        || !are_domains_mixed(run, return_address, block, &allocated_by, &freed_by);
}

void pm_wrong_frees_check_domain(struct pm_run *run, u32 tid, const struct pm_block *block)
{
    u64 return_address;
    enum pm_domain allocated_by, freed_by;

    if (!return_address_of_free(run, tid, &return_address)
            || !are_domains_mixed(run, return_address, block, &allocated_by, &freed_by))
        return;
    const struct pm_layout *layout = run->python.interpreter.layout;
    if (layout != NULL && layout->mixes_domains)
        return;
    const struct pm_wrong_free wrong = {
        .kind = PM_FREE_DOMAIN,
        .address = block->address,
        .stack = pm_capture_stack(run, tid).stack,
        .place = PM_PLACE_LIVE,
        .block = {
            .address = block->address, .bytes = block->bytes, .allocated = stack_of(run, block),
        },
        .freed_by = pm_domain_frees(freed_by),
        .allocated_by = pm_domain_allocators(allocated_by),
    };

    pm_errors_report_free(run, tid, &wrong, describe_nothing);
}
