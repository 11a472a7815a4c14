/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A stage. Registrations are pointers by which an extension finds its objects again and that own nothing.

   Libraries for bindings keep a table from each C++ object to the Python object that wraps it (pybind11's
   registered_instances, for instance). The wrapper's constructor puts the wrapper into the table, and its
   deallocator takes it out. Such a pointer is no reference: if it were one, no such object could ever die.

   A word of a block that is no object is a registration of the object that it points to if

   - the object's type, or a base of it, is an extension's: its tp_dealloc is not the interpreter's;
   - the block was allocated after the object, by the same thread, and before any other object that was
     allocated at the same place;
   - the same call of one C function allocated both. Both stacks have the same Python frames, and the same native
     frames from the evaluation of the innermost one up to that function, and in it they go on from different
     places. (Native frames further out may be missing: a stack that is deeper inside has fewer of them.) The function must lie inside the innermost Python frame, and
     must not evaluate Python code: what a line of Python makes one after the other belongs to nobody's
     constructor;
   - the block points to no object of the interpreter's types: a cache from a str, say, to the objects that were made of it has
     references to both;
   - the block belongs to no other object (pm_raw_owners.h): a method that makes a child and adds it to the items of its parent
     does all this too, and the parent owns the child. The object's own memory may point back to it.

   Cost: a look at up to 128 words of each block whose stack an extension is in, and a sort of the objects; if then
   there are registrations, the cost of pm_raw_owners.h. */
#include "pub_tool_basics.h"
#include "pub_tool_debuginfo.h"

#include "tool/leaks/pm_leak_stages.h"

#include "base/pm_map.h"
#include "base/pm_platform.h"
#include "base/pm_sort.h"
#include "tool/allocator/pm_allocator.h"
#include "tool/leaks/pm_raw_owners.h"
#include "tool/pm_memory.h"
#include "tool/pm_run.h"

enum { MAX_WORDS = 128, MAX_NATIVES = 64, MAX_BASES = 64, WORD = 8, SERIAL_BITS = 36 };

struct marking {
    struct pm_run *run;
    struct pm_reader *reader;       /* for the content of blocks */
    struct pm_objects *objects;
    const struct pm_leaks *leaks;
    struct pm_leak_state *check;
    struct candidate {
        u64 word;                   /* where the pointer is */
        u32 object;                 /* index of the block that it points to */
        u32 holder;                 /* index of the block with the word */
        u64 serial;                 /* of the block with the word */
    } *candidates;
    u32 candidate_count, candidate_capacity;
    struct pm_map candidate_sites;  /* of their objects */
    struct pm_keyed *births;        /* objects of these sites, by site and serial */
    u32 birth_count, birth_capacity;
    struct pm_map extension_types;  /* type -> 1: an extension's, 2: the interpreter's */
    struct pm_map sites;            /* site -> 1: an extension asked for its blocks, 2: none did */
    u64 low, high;                  /* addresses of blocks */
};

/* The native frames of a stack inside its innermost Python frame, innermost first, and what is outside of them. */
struct natives {
    const struct pm_frame *frames[MAX_NATIVES];
    u32 count;
    struct pm_stack_id outside;     /* from the evaluation on */
};

static struct natives natives_of(const struct pm_run *run, struct pm_stack_id stack)
{
    struct natives natives = { .count = 0 };

    while (stack.v != PM_STACK_EMPTY.v && natives.count < MAX_NATIVES) {
        const struct pm_stack_node node = pm_stacks_node(&run->stacks, stack);
        const struct pm_frame *frame = pm_frames_get(&run->frames, node.frame);
        if (frame->kind != PM_FRAME_NATIVE || (frame->flags & PM_FRAME_EVAL) != 0)
            break;
        natives.frames[natives.count++] = frame;
        stack = node.parent;
    }
    natives.outside = stack;
    return natives;
}

static bool is_same_function(const struct pm_frame *a, const struct pm_frame *b)
{
    return a->object.v == b->object.v && a->function.v == b->function.v && a->function.v != 0
        && a->address - a->offset == b->address - b->offset;
}

/* Skips the native frames at the inner end of a stack. */
static struct pm_stack_id without_natives(const struct pm_run *run, struct pm_stack_id stack)
{
    while (stack.v != PM_STACK_EMPTY.v) {
        const struct pm_stack_node node = pm_stacks_node(&run->stacks, stack);
        if (pm_frames_get(&run->frames, node.frame)->kind != PM_FRAME_NATIVE)
            break;
        stack = node.parent;
    }
    return stack;
}

/* Whether the innermost frames, if both stacks have one, and all Python frames are the same. */
static bool is_same_outside(const struct pm_run *run, struct pm_stack_id a, struct pm_stack_id b)
{
    while (a.v != b.v) {
        if (a.v == PM_STACK_EMPTY.v || b.v == PM_STACK_EMPTY.v)
            return false;
        const struct pm_stack_node x = pm_stacks_node(&run->stacks, a), y = pm_stacks_node(&run->stacks, b);
        if (x.frame.v != y.frame.v)
            return false;
        a = without_natives(run, x.parent);
        b = without_natives(run, y.parent);
    }
    return true;
}

/* Whether one call of a C function can have allocated both. */
static bool have_one_caller(const struct pm_run *run, struct pm_stack_id first, struct pm_stack_id second)
{
    const struct natives a = natives_of(run, first), b = natives_of(run, second);
    u32 i = a.count, j = b.count;

    if (!is_same_outside(run, a.outside, b.outside))
        return false;
    while (i > 0 && j > 0 && a.frames[i - 1] == b.frames[j - 1])
        i--, j--;
    /* The place itself may be the same: then the function called there is another. */
    return i > 0 && j > 0 && is_same_function(a.frames[i - 1], b.frames[j - 1]);
}

static bool is_in_interpreter(const struct marking *marking, const struct pm_frame *frame)
{
    return frame->object.v == marking->run->native.evaluator.v;
}

/* Whether code outside of the interpreter asked for the blocks of a site. */
static bool is_extension_site(struct marking *marking, const struct pm_block *block)
{
    const u64 *known = pm_map_get(&marking->sites, block->site);
    bool found = false;

    if (known != NULL)
        return *known == 1;
    const struct natives natives = natives_of(marking->run, pm_allocator_stack(marking->run, block));
    for (u32 i = 0; i < natives.count && !found; i++)
        found = (natives.frames[i]->flags & PM_FRAME_ALLOCATOR) == 0
            && !is_in_interpreter(marking, natives.frames[i]);
    pm_map_put(&marking->sites, block->site, found ? 1 : 2);
    return found;
}

static bool is_extension_type(struct marking *marking, u64 type)
{
    const DiEpoch epoch = VG_(current_DiEpoch)();
    const u64 *known = pm_map_get(&marking->extension_types, type);
    u64 functions[MAX_BASES], own;
    bool found = false;

    if (known != NULL)
        return *known == 1;
    if (pm_objects_deallocators(marking->objects, marking->objects->metatype, &own, 1) == 1) {
        const DebugInfo *interpreter = VG_(find_DebugInfo)(epoch, own);
        u32 count = pm_objects_deallocators(marking->objects, type, functions, MAX_BASES);
        for (u32 i = 0; i < count; i++)
            found = found || VG_(find_DebugInfo)(epoch, functions[i]) != interpreter;
    }
    pm_map_put(&marking->extension_types, type, found ? 1 : 2);
    return found;
}

static u64 birth_key(const struct pm_block *block)
{
    return (u64)block->site << SERIAL_BITS | block->serial;
}

static void add_birth(struct marking *marking, u32 index)
{
    const struct pm_block *block = pm_leak_allocated(marking->check, index);

    if (pm_map_get(&marking->candidate_sites, block->site) == NULL)
        return;
    if (marking->birth_count == marking->birth_capacity) {
        marking->birth_capacity = marking->birth_capacity ? marking->birth_capacity * 2 : 256;
        marking->births = pm_realloc("pm.registrations", marking->births,
                                     marking->birth_capacity * sizeof *marking->births);
    }
    marking->births[marking->birth_count++] = (struct pm_keyed){ birth_key(block), index };
}

static void collect_births(struct marking *marking)
{
    const struct pm_leaks *leaks = marking->leaks;

    for (u32 i = 0; i < leaks->block_count; i++)
        if (leaks->blocks[i].flags & PM_LEAK_OBJECT)
            add_birth(marking, i);
    pm_sort_keyed(marking->births, marking->birth_count);
}

/* Whether no other object was allocated where this one was, from then until serial. */
static bool is_last_birth(const struct marking *marking, const struct pm_block *object, u64 serial)
{
    u64 key = birth_key(object);
    u32 low = 0, high = marking->birth_count;

    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (marking->births[middle].key <= key)
            low = middle + 1;
        else
            high = middle;
    }
    return low == marking->birth_count || marking->births[low].key >> SERIAL_BITS != object->site
        || (marking->births[low].key & (((u64)1 << SERIAL_BITS) - 1)) > serial;
}

/* Whether the word is the address of an object, which is in the block held. */
static bool is_object(const struct marking *marking, u32 held, u64 word)
{
    const struct pm_leak_block *found = &marking->leaks->blocks[held];

    return (found->flags & PM_LEAK_OBJECT) && word == found->address + found->object_offset;
}

static bool is_extension_object(struct marking *marking, u64 object)
{
    u64 type;

    return pm_reader_read_u64(&marking->run->reader, object + (u64)marking->objects->layout->at.object_type, &type)
        && is_extension_type(marking, type);
}

/* Whether a word of the block, which is the address of an extension's object in the block held, is a registration, unless another
   object was allocated at the same place in between. */
static bool is_candidate(struct marking *marking, const struct pm_block *block, u32 held)
{
    const struct pm_block *object = pm_leak_allocated(marking->check, held);

    return block->serial > object->serial && block->thread == object->thread
        && have_one_caller(marking->run, pm_allocator_stack(marking->run, block),
                           pm_allocator_stack(marking->run, object));
}

static void add_candidate(struct marking *marking, u64 word, u32 object, u32 holder, u64 serial)
{
    if (marking->candidate_count == marking->candidate_capacity) {
        marking->candidate_capacity = marking->candidate_capacity ? marking->candidate_capacity * 2 : 256;
        marking->candidates = pm_realloc("pm.registrations", marking->candidates,
                                         marking->candidate_capacity * sizeof *marking->candidates);
    }
    marking->candidates[marking->candidate_count++] = (struct candidate){ word, object, holder, serial };
    pm_map_put(&marking->candidate_sites, pm_leak_allocated(marking->check, object)->site, 1);
}

static void look_at(struct marking *marking, u32 holder)
{
    const struct pm_block *block = pm_leak_allocated(marking->check, holder);
    const u32 before = marking->candidate_count;
    u64 first = (block->address + WORD - 1) & ~(u64)(WORD - 1), end = block->address + block->bytes, word;

    for (u64 at = first; at + WORD <= end && at < first + MAX_WORDS * WORD; at += WORD) {
        if (!pm_reader_read_u64(marking->reader, at, &word) || word < marking->low
                || word >= marking->high)
            continue;
        u32 held = pm_leaks_block_at(marking->leaks, word);
        if (held == PM_LEAK_NONE || held == holder || !is_object(marking, held, word))
            continue;
        if (!is_extension_object(marking, word)) {
            marking->candidate_count = before;
            return;
        }
        if (is_candidate(marking, block, held))
            add_candidate(marking, at, held, holder, block->serial);
    }
}

/* Keeps the candidates that are the last births where they were made. */
static void keep_last_births(struct marking *marking)
{
    u32 kept = 0;

    for (u32 i = 0; i < marking->candidate_count; i++) {
        const struct candidate *candidate = &marking->candidates[i];
        if (is_last_birth(marking, pm_leak_allocated(marking->check, candidate->object), candidate->serial))
            marking->candidates[kept++] = *candidate;
    }
    marking->candidate_count = kept;
}

/* Whether the word is in memory of another object than the one that it points to. */
static bool is_owned(const struct pm_raw_owners *owners, const struct candidate *candidate)
{
    const u32 owner = pm_raw_owners_of(owners, candidate->holder);

    return owner != PM_LEAK_NONE && owner != candidate->object;
}

static void mark_candidates(struct marking *marking)
{
    struct pm_raw_owners owners;

    if (marking->candidate_count > 0) {
        collect_births(marking);
        keep_last_births(marking);
    }
    if (marking->candidate_count == 0)
        return;
    pm_raw_owners_begin(&owners, marking->check);
    for (u32 i = 0; i < marking->candidate_count; i++)
        pm_raw_owners_add(&owners, marking->candidates[i].holder);
    pm_raw_owners_find(&owners);
    for (u32 i = 0; i < marking->candidate_count; i++) {
        const struct candidate *candidate = &marking->candidates[i];
        if (!is_owned(&owners, candidate))
            pm_leak_weak_add(&marking->check->weak, marking->leaks, PM_LEAK_NONE, candidate->word, candidate->word,
                             candidate->word + WORD, WORD);
    }
    pm_raw_owners_release(&owners);
}

void pm_leak_hide_registrations(struct pm_leak_state *check)
{
    const struct pm_leaks *leaks = &check->leaks;
    struct marking marking = {
        .run = check->run,
        .reader = &check->scan->reader,
        .objects = &check->objects,
        .leaks = leaks,
        .check = check,
    };
    const u32 count = check->count;

    if (!check->python || count == 0)
        return;
    marking.low = check->found[0].address;
    marking.high = check->found[count - 1].address + check->found[count - 1].bytes;
    pm_map_init(&marking.extension_types);
    pm_map_init(&marking.sites);
    pm_map_init(&marking.candidate_sites);
    for (u32 i = 0; i < count; i++)
        if (!(leaks->blocks[i].flags & PM_LEAK_OBJECT) && pm_leak_owner(check, i) == PM_LEAK_NONE
                && is_extension_site(&marking, pm_leak_allocated(check, i)))
            look_at(&marking, i);
    mark_candidates(&marking);
    pm_free(marking.candidates);
    pm_free(marking.births);
    pm_map_release(&marking.candidate_sites);
    pm_map_release(&marking.extension_types);
    pm_map_release(&marking.sites);
}
