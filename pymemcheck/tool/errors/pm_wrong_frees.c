/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_debuginfo.h"
#include "pub_tool_machine.h"

#include "libvex_guest_amd64.h"

#include "tool/errors/pm_wrong_frees.h"

#include "base/pm_platform.h"
#include "heap/pm_freed.h"
#include "tool/capture/pm_callsite.h"
#include "tool/errors/pm_errors.h"
#include "tool/allocator/pm_allocator.h"
#include "tool/pm_run.h"

struct search {
    u64 address;
    const struct pm_block *found;
};

static void look_at(void *context, struct pm_block *block)
{
    struct search *search = context;

    if (search->address - block->address < block->bytes)
        search->found = block;
}

/* What the address is in. Blocks are found by their start only, so all of them
   are looked at: done once for each different error. A live block comes first:
   it may lie where an older one was. */
static void find_place(struct pm_run *run, struct pm_wrong_free *wrong)
{
    struct search search = { .address = wrong->address };
    const struct pm_freed_block *freed;

    pm_blocks_each(&run->blocks, look_at, &search);
    if (search.found != NULL) {
        wrong->place = PM_PLACE_LIVE;
        wrong->block = (struct pm_freed_block){
            .address = search.found->address,
            .bytes = search.found->bytes,
            .allocated = pm_allocator_stack(run, search.found),
        };
    } else if ((freed = pm_freed_find(&run->freed, wrong->address)) != NULL) {
        wrong->place = PM_PLACE_FREED;
        wrong->block = *freed;
    }
}

static void nothing_more(struct pm_run *run, struct pm_wrong_free *wrong)
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
        .block = { block->address, block->bytes, pm_allocator_stack(run, block), PM_STACK_EMPTY },
    };

    pm_errors_report_free(run, tid, &wrong, nothing_more);
}

/* --- Domains --- */

/* Whether what is called at an address in this function was chosen by its author. In the interpreter's
   own object a compiler that knows how PyMem_RawMalloc mostly ends calls malloc in its place, and
   CPython's own developers run it with debug hooks that tell the interfaces apart. */
static bool is_outside(const struct pm_run *run, const struct pm_frame *frame)
{
    return run->native.evaluator.v != 0 && frame->object.v != run->native.evaluator.v
        && !(frame->function.v != 0
             && pm_domain_is_inside(pm_strings_text(&run->strings, frame->function)));
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

    if (stack >= frees->domain_count) {
        u32 count = stack + stack / 2 + 4096;
        frees->domains = pm_realloc("pm.wrong_frees", frees->domains, count);
        pm_zero(frees->domains + frees->domain_count, count - frees->domain_count);
        frees->domain_count = count;
    }
    if (frees->domains[stack] == 0)
        frees->domains[stack] = (u8)(1 + allocating_domain(run, (struct pm_stack_id){ stack }));
    return (enum pm_domain)(frees->domains[stack] - 1);
}

/* What the caller of free called: free itself, or what ended in a jump to it. */
static enum pm_domain freeing_domain(struct pm_run *run, u64 return_address)
{
    struct pm_native_frame caller = pm_native_resolve(&run->native, return_address - 1, false);

    if (caller.boundary || caller.hidden
            || !is_outside(run, pm_frames_get(&run->frames, caller.frame)))
        return PM_DOMAIN_UNKNOWN;
    const char *called = pm_callsite_function(&run->reader, return_address);
    return called != NULL ? pm_domain_of_free(called) : PM_DOMAIN_UNKNOWN;
}

static enum pm_domain domain_at(struct pm_run *run, u64 return_address)
{
    struct pm_wrong_frees *frees = &run->wrong_frees;

    /* Who has loaded objects has allocated, so the native names' epoch is new enough. */
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

/* The replaced functions keep a frame pointer (Valgrind compiles them so): behind the
   one that they saved is where they return to. Were it not so, no call of a freeing function would be
   found in front of that address, and nothing would be reported. */
static bool return_address_of_free(struct pm_run *run, u32 tid, u64 *address)
{
    u64 frame_pointer;

    VG_(get_shadow_regs_area)(tid, (UChar *)&frame_pointer, 0,
                              offsetof(VexGuestAMD64State, guest_RBP), sizeof frame_pointer);
    return pm_reader_read_u64(&run->reader, frame_pointer + 8, address);
}

bool pm_wrong_frees_same_domain(struct pm_run *run, u64 stack_pointer, const struct pm_block *block)
{
    u64 return_address;
    enum pm_domain took, gave;

    return !pm_reader_read_u64(&run->reader, stack_pointer, &return_address)
        || (took = domain_at(run, return_address)) == PM_DOMAIN_UNKNOWN
        || (gave = domain_of_stack(run, pm_allocator_stack(run, block).v)) == PM_DOMAIN_UNKNOWN || took == gave;
}

void pm_wrong_frees_check_domain(struct pm_run *run, u32 tid, const struct pm_block *block)
{
    u64 return_address;
    enum pm_domain took, gave;

    if (!return_address_of_free(run, tid, &return_address)
            || (took = domain_at(run, return_address)) == PM_DOMAIN_UNKNOWN
            || (gave = domain_of_stack(run, pm_allocator_stack(run, block).v)) == PM_DOMAIN_UNKNOWN || took == gave)
        return;
    const struct pm_layout *layout = run->python.interpreter.layout;
    if (layout != NULL && layout->mixes_domains)
        return;
    const struct pm_wrong_free wrong = {
        .kind = PM_FREE_DOMAIN,
        .address = block->address,
        .stack = pm_capture_stack(run, tid).stack,
        .place = PM_PLACE_LIVE,
        .block = { block->address, block->bytes, pm_allocator_stack(run, block), PM_STACK_EMPTY },
        .took = pm_domain_frees(took),
        .gave = pm_domain_allocators(gave),
    };

    pm_errors_report_free(run, tid, &wrong, nothing_more);
}
