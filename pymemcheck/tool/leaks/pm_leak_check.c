/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The audit: an object that can be reached, whose count is higher than the number
   of words anywhere in memory that point to it, has lost references. Words
   that only look like references make the surplus smaller, never larger.

   Objects that nothing reaches are lost, but for two kinds: a cycle whose counts
   agree with the references that were found is garbage that the collector did not
   collect, and what the interpreter never frees (interned strings, immortal
   objects) is its own. */
#include "pub_tool_basics.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_libcfile.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_libcproc.h"
#include "pub_tool_vki.h"

#include "tool/leaks/pm_leak_check.h"

#include "base/pm_buffer.h"
#include "base/pm_platform.h"
#include "base/pm_sort.h"
#include "cpython/pm_object.h"
#include "heap/pm_leak_weak.h"
#include "heap/pm_leaks.h"
#include "tool/allocator/pm_allocator.h"
#include "tool/leaks/pm_leak_chain.h"
#include "tool/leaks/pm_waiting_blocks.h"
#include "tool/leaks/pm_collectable.h"
#include "tool/pm_memory.h"
#include "tool/leaks/pm_roots.h"
#include "tool/pm_run.h"
#include "tool/leaks/pm_free_lists.h"

enum { MAX_PARTS = 4, PROGRESS_AFTER_MS = 3000, PROGRESS_EVERY_MS = 1000 };

struct check {
    struct pm_run *run;
    struct pm_losses *losses;
    struct pm_leaks leaks;
    struct pm_memory_scan *scan;    /* what leaks reads memory by */
    struct pm_leak_weak weak;
    struct pm_block *blocks;        /* as leaks.blocks, by address */
    struct pm_leak_block *found;
    bool *is_part;                  /* of blocks: memory of an object's own */
    bool *is_kept;                  /* of leaders: their cycles are the collector's business */
    u32 count;
    struct pm_objects objects;
    bool python;                    /* objects can be read */
    struct pm_leak_chain chain;
    struct pm_buffer text;          /* scratch */
    u32 next_progress_ms;
};

struct collecting {
    struct pm_block *blocks;
    u32 count, capacity;
};

static void collect_block(void *context, struct pm_block *block)
{
    struct collecting *to = context;

    if (to->count == to->capacity) {
        to->capacity = to->capacity ? to->capacity * 2 : 4096;
        to->blocks = pm_realloc("pm.leak_check", to->blocks, to->capacity * sizeof *to->blocks);
    }
    to->blocks[to->count++] = *block;
}

static void collect_blocks(struct check *check)
{
    struct collecting to = { 0 };

    pm_blocks_each(&check->run->blocks, collect_block, &to);
    pm_custom_blocks_each(&check->run->custom, collect_block, &to);
    struct pm_keyed *order = pm_alloc("pm.leak_check", (to.count + 1) * sizeof *order);
    for (u32 i = 0; i < to.count; i++)
        order[i] = (struct pm_keyed){ to.blocks[i].address, i };
    pm_sort_keyed(order, to.count);
    check->count = to.count;
    check->blocks = pm_alloc("pm.leak_check", (to.count + 1) * sizeof *check->blocks);
    for (u32 i = 0; i < to.count; i++)
        check->blocks[i] = to.blocks[order[i].item];
    if (check->run->custom.live > 0)
        check->count = pm_custom_blocks_resolve(check->blocks, to.count);
    pm_free(order);
    pm_free(to.blocks);
}

static u64 hook_prefix(const struct check *check, const struct pm_block *block)
{
    const struct pm_layout *layout = check->run->python.interpreter.layout;
    return block->padding_units > 0 && layout != NULL ? layout->hook_prefix_bytes : 0;
}

/* The object in block number index, once it was described. */
static bool identify(struct check *check, u32 index, struct pm_object *object)
{
    const struct pm_block *block = &check->blocks[index];

    return check->python && (check->found[index].flags & PM_LEAK_OBJECT) != 0
        && pm_objects_identify(&check->objects, block->address, block->bytes,
                               hook_prefix(check, block), object);
}

static bool identify_for_chain(void *context, u32 index, struct pm_object *object)
{
    return identify(context, index, object);
}

static void add_weak_words(struct check *check, u32 index, const struct pm_object *object)
{
    struct pm_object_words words[PM_OBJECT_WEAK_WORDS_MAX];
    u32 count = pm_objects_weak_words(&check->objects, object, words, PM_OBJECT_WEAK_WORDS_MAX);

    for (u32 i = 0; i < count; i++)
        pm_leak_weak_add(&check->weak, index, words[i].memory, words[i].first, words[i].end,
                         words[i].stride);
}

static bool is_weak_word(void *context, u32 block, u64 address)
{
    const struct check *check = context;
    return pm_leak_weak_holds(&check->weak, block, address);
}

static void describe_block(struct check *check, u32 index)
{
    const struct pm_block *block = &check->blocks[index];
    u64 prefix = hook_prefix(check, block);
    struct pm_leak_block *found = &check->found[index];
    struct pm_object object;

    *found = (struct pm_leak_block){
        .address = block->address,
        .bytes = block->bytes,
    };
    if (!check->run->options.python_objects)
        return;
    if (prefix > 0 && prefix < block->bytes) {
        found->object_offset = (u32)prefix;
        found->hidden_to = (u32)prefix;
        found->flags |= PM_LEAK_HEADER_HIDDEN;
    }
    found->flags |= PM_LEAK_OBJECT;
    if (!identify(check, index, &object)) {
        found->flags &= (u32)~PM_LEAK_OBJECT;
        return;
    }
    found->object_offset = object.offset;
    found->flags |= object.opaque ? PM_LEAK_OPAQUE | PM_LEAK_START_ONLY : 0;
    add_weak_words(check, index, &object);
    if (object.linked) {
        found->flags |= PM_LEAK_HEADER_HIDDEN;
        found->hidden_from = object.collector_from;
        found->hidden_to = object.collector_to;
    }
}

static void describe_blocks(struct check *check)
{
    check->found = pm_alloc("pm.leak_check", (check->count + 1) * sizeof *check->found);
    for (u32 i = 0; i < check->count; i++)
        describe_block(check, i);
}

static void mark_part(struct check *check, u32 index, u64 part)
{
    struct pm_leak_block *block = &check->found[index];
    u64 prefix = hook_prefix(check, &check->blocks[index]);

    /* It is no object, though words in it or what was there before may look like one. */
    block->flags &= (u32)~(PM_LEAK_OBJECT | PM_LEAK_OPAQUE | PM_LEAK_HEADER_HIDDEN);
    block->flags |= prefix > 0 ? PM_LEAK_HEADER_HIDDEN : 0;
    /* The object owns it by the pointer to its start: what else points into it borrows it. */
    block->flags |= PM_LEAK_START_ONLY;
    block->hidden_from = 0;
    block->hidden_to = (u32)prefix;
    block->object_offset = (u32)(part - block->address);
}

/* From 3.13 on a dict may have its values inside the instance that it is the __dict__ of. */
static bool is_inside_object(const struct check *check, u32 at, u64 part)
{
    const struct pm_leak_block *block = &check->found[at];

    return check->run->python.interpreter.layout->at.type_inline_values_bit != PM_LAYOUT_ABSENT
        && (block->flags & PM_LEAK_OBJECT) != 0 && part > block->address + block->object_offset;
}

/* A deque's blocks lead to one another. */
static void mark_deque(struct check *check, const struct pm_object *deque)
{
    u64 part = pm_objects_deque_block(&check->objects, deque, 0);

    while (part != 0) {
        u32 at = pm_leaks_block_at(&check->leaks, part);
        if (at == PM_LEAK_NONE || check->is_part[at])
            break;
        mark_part(check, at, part);
        check->is_part[at] = true;
        part = pm_objects_deque_block(&check->objects, deque, part);
    }
}

/* Memory of an object's own may be known only by a pointer into its middle (the attributes of
   an instance in 3.11: they begin behind bytes of their order). That is its start pointer. */
static void mark_parts(struct check *check)
{
    struct pm_object object;
    u64 parts[MAX_PARTS];

    for (u32 i = 0; i < check->count && check->python; i++) {
        if (!(check->found[i].flags & PM_LEAK_OBJECT) || (check->found[i].flags & PM_LEAK_OPAQUE)
                || !identify(check, i, &object))
            continue;
        u32 count = pm_objects_parts(&check->objects, &object, parts, MAX_PARTS);
        for (u32 k = 0; k < count; k++) {
            u32 at = pm_leaks_block_at(&check->leaks, parts[k]);
            if (at == PM_LEAK_NONE || is_inside_object(check, at, parts[k]))
                continue;
            mark_part(check, at, parts[k]);
            check->is_part[at] = true;
        }
        mark_deque(check, &object);
    }
}

static bool is_owned(void *context, u64 address)
{
    const struct check *check = context;
    u32 at = pm_leaks_block_at(&check->leaks, address);
    return at != PM_LEAK_NONE && check->is_part[at];
}

/* What a free list's array in a block has left. Arrays elsewhere are the roots' business. */
static void hide_stale_word(void *context, u64 address)
{
    struct check *check = context;

    if (pm_leaks_block_at(&check->leaks, address) != PM_LEAK_NONE)
        pm_leak_weak_add(&check->weak, PM_LEAK_NONE, address, address, address + sizeof(u64),
                         sizeof(u64));
}

/* Whether an object claims more references than were found. */
static bool has_surplus(const struct pm_leak_block *found, const struct pm_object *object)
{
    return !object->immortal && !object->interned
        && object->references > found->references + object->kept_references;
}

/* Of a lost cycle the search names the block with the lowest address. The leak is the object in it
   that has more references than the cycle gives it: that one takes the lead. If there is none, an
   object does that the collector does not know, whose type may lack a tp_traverse; else the one
   with the oldest site, so that equal cycles have equal leaders. Memory that is no object does not:
   it may have been an older object's before. */
static u64 rank_in_cycle(const struct check *check, u32 index, const struct pm_object *object)
{
    const u64 last = (u64)1 << 62;

    return (has_surplus(&check->found[index], object) ? 0 : last)
        + (object->linked ? last / 2 : 0) + check->blocks[index].site;
}

static void choose_leaders(struct check *check)
{
    u32 *chosen = pm_alloc("pm.leak_check", (check->count + 1) * sizeof *chosen);
    u64 *ranks = pm_alloc("pm.leak_check", (check->count + 1) * sizeof *ranks);
    struct pm_object object;

    for (u32 i = 0; i < check->count; i++)
        chosen[i] = PM_LEAK_NONE;
    for (u32 i = 0; i < check->count; i++) {
        const struct pm_leak_block *found = &check->found[i];
        if (!found->cycle || !identify(check, i, &object))
            continue;
        u64 rank = rank_in_cycle(check, i, &object);
        if (chosen[found->leader] == PM_LEAK_NONE || rank < ranks[found->leader]) {
            chosen[found->leader] = i;
            ranks[found->leader] = rank;
        }
    }
    for (u32 i = 0; i < check->count; i++) {
        if (chosen[i] == PM_LEAK_NONE || chosen[i] == i)
            continue;
        struct pm_leak_block *old = &check->found[i], *new = &check->found[chosen[i]];
        new->indirect_bytes = old->indirect_bytes + old->bytes - new->bytes;
        new->indirect_blocks = old->indirect_blocks;
        new->kind = PM_LEAK_DEFINITE;
        old->kind = PM_LEAK_INDIRECT;
        old->indirect_bytes = old->indirect_blocks = 0;
    }
    for (u32 i = 0; i < check->count; i++) {
        struct pm_leak_block *found = &check->found[i];
        if ((found->kind == PM_LEAK_INDIRECT || found->kind == PM_LEAK_DEFINITE)
                && chosen[found->leader] != PM_LEAK_NONE)
            found->leader = chosen[found->leader];
    }
    pm_free(chosen);
    pm_free(ranks);
}

/* A cycle that the collector would free whole is no leak: while the program runs it waits for the
   collector, and finalization makes some after the collector ran for the last time (up to 3.9). What an
   extension does wrong keeps the collector away: a reference too many, an object that it does not know, a
   type of the extension that does not tell what it refers to (which in 2.7 cannot be seen after finalization). */
static void find_kept(struct check *check)
{
    struct pm_object object;

    for (u32 i = 0; i < check->count; i++)
        check->is_kept[check->found[i].leader] |= check->found[i].cycle != 0;
    for (u32 i = 0; i < check->count; i++)
        if (check->found[i].cycle && !check->is_part[i]
                && !(identify(check, i, &object)
                     && pm_collectable(check->run, &check->objects, &object)))
            check->is_kept[check->found[i].leader] = false;
}

static enum pm_loss_kind kind_of_leader(struct check *check, u32 index)
{
    const struct pm_leak_block *found = &check->found[index];
    struct pm_object object;

    if (!identify(check, index, &object))
        return PM_LOSS_DEFINITE;
    if (object.immortal || object.interned)
        return PM_LOSS_INTERPRETER;
    /* One without references waits in a free list that is lost itself. */
    if (has_surplus(found, &object) || object.references == 0)
        return PM_LOSS_DEFINITE;
    if (object.kept_references > 0 || check->is_kept[index])
        return PM_LOSS_INTERPRETER;
    if (found->cycle)
        return PM_LOSS_CYCLE;
    return PM_LOSS_DEFINITE;
}

static u64 surplus_of(const struct pm_leak_block *found, const struct pm_object *object)
{
    return found->kind == PM_LEAK_REACHABLE && has_surplus(found, object)
        ? object->references - found->references - object->kept_references : 0;
}

static void add_item(struct check *check, u32 index, bool all)
{
    const struct pm_leak_block *found = &check->found[index];
    const struct pm_block *block = &check->blocks[index];
    struct pm_object object;
    bool is_object = identify(check, index, &object);
    struct pm_loss_item item = {
        .stack = pm_allocator_stack(check->run, block),
        .address = block->address,
        .bytes = pm_block_requested_bytes(block),
        .indirect_bytes = found->indirect_bytes,
        .indirect_blocks = found->indirect_blocks,
        .serial = block->serial,
        .thread = block->thread,
        .raising = block->raising,
    };

    switch ((enum pm_leak_kind)found->kind) {
    case PM_LEAK_REACHABLE:
        item.surplus_references = is_object ? surplus_of(found, &object) : 0;
        item.kind = item.surplus_references > 0 ? PM_LOSS_SURPLUS : PM_LOSS_REACHABLE;
        break;
    case PM_LEAK_POSSIBLE:
        item.kind = PM_LOSS_POSSIBLE;
        break;
    case PM_LEAK_INDIRECT:
        item.kind = PM_LOSS_INDIRECT;
        if (kind_of_leader(check, found->leader) == PM_LOSS_INTERPRETER)
            item.kind = is_object && has_surplus(found, &object) ? PM_LOSS_DEFINITE
                : PM_LOSS_INTERPRETER;
        break;
    case PM_LEAK_DEFINITE:
        item.kind = kind_of_leader(check, index);
        break;
    }
    if (item.kind == PM_LOSS_REACHABLE && !all) {
        check->losses->sums[PM_LOSS_REACHABLE].bytes += item.bytes;
        check->losses->sums[PM_LOSS_REACHABLE].blocks++;
        return;
    }
    if (is_object) {
        item.type = pm_objects_type_name(&check->objects, object.type);
        pm_objects_preview(&check->objects, &object, &check->text);
        item.note = pm_strings_take(&check->run->strings, &check->text);
    }
    u32 record = pm_losses_add(check->losses, &item);
    if (item.kind == PM_LOSS_CYCLE)
        check->found[index].from_root = record;     /* where its members find it */
    if (check->losses->records[record].blocks == 1
            && (item.kind == PM_LOSS_SURPLUS || item.kind == PM_LOSS_REACHABLE
                || item.kind == PM_LOSS_POSSIBLE))
        pm_leak_chain_add(&check->chain, record, index);
}

static bool is_vtable(void *context, u64 address)
{
    const struct check *check = context;
    return pm_memory_is_vtable(&check->run->reader, address);
}

/* A member of a garbage cycle also adds its type to the cycle's record. */
static void add_indirect_item(struct check *check, u32 index, bool all)
{
    const struct pm_leak_block *found = &check->found[index];
    struct pm_object object;

    if (found->cycle && check->blocks[found->leader].serial > check->run->fork_serial
            && kind_of_leader(check, found->leader) == PM_LOSS_CYCLE
            && identify(check, index, &object))
        pm_losses_add_type(check->losses, check->found[found->leader].from_root,
                           pm_objects_type_name(&check->objects, object.type));
    add_item(check, index, all);
}

static bool is_terminal(int fd)
{
    struct vg_stat status;
    return VG_(fstat)(fd, &status) == 0 && VKI_S_ISCHR(status.mode);
}

/* A line on the terminal once a second, when the search takes more than a few. Not to
   the log, which is for results. */
static void show_progress(void *context, u64 done_bytes, u64 all_bytes)
{
    struct check *check = context;
    u32 now_ms = VG_(read_millisecond_timer)();
    HChar line[80];

    if (now_ms < check->next_progress_ms || all_bytes == 0 || !is_terminal(2))
        return;
    check->next_progress_ms = now_ms + PROGRESS_EVERY_MS;
    VG_(sprintf)(line, "pymemcheck: searching for leaks, %lu%% of %lu MB\n",
                 done_bytes * 100 / all_bytes, all_bytes >> 20);
    VG_(write)(2, line, (Int)VG_(strlen)(line));
}

void pm_leak_check_search(struct pm_run *run, bool all, struct pm_losses *losses)
{
    struct check check = { .run = run, .losses = losses };

    pm_reader_forget(&run->reader);
    pm_losses_init(losses, &run->strings, &run->frames, &run->stacks, run->options.leak_resolution);
    losses->finalization_serial = run->finalization_serial;
    pm_buffer_init(&check.text);
    const bool known = run->options.python_objects && run->python.state == PM_PYTHON_READY;
    check.python = known
        && pm_objects_init(&check.objects, &run->reader, &run->strings, &run->python.interpreter);
    if (check.python)
        pm_type_names_tell(run, &check.objects);
    pm_leak_weak_init(&check.weak);
    collect_blocks(&check);
    describe_blocks(&check);
    check.scan = pm_alloc("pm.leak_check", sizeof *check.scan);
    pm_memory_scan_begin(check.scan);
    pm_leaks_init(&check.leaks, &check.scan->reader);
    check.leaks.blocks = check.found;
    check.leaks.block_count = check.count;
    check.chain = (struct pm_leak_chain){
        .run = run, .losses = losses, .leaks = &check.leaks, .objects = &check.objects,
        .identify = identify_for_chain, .context = &check,
    };
    check.is_part = pm_alloc_zero("pm.leak_check", check.count + 1);
    check.is_kept = pm_alloc_zero("pm.leak_check", check.count + 1);
    mark_parts(&check);
    if (check.python)
        pm_waiting_blocks_mark(run, &check.objects, &check.leaks, check.blocks, check.is_part);
    const struct pm_free_lists_visitor stale = { hide_stale_word, is_owned, &check };
    pm_free_lists_each_stale(run, &stale);
    pm_leak_weak_bind(&check.weak, &check.leaks);
    const struct pm_roots_owner owner = { is_owned, &check };
    pm_roots_collect(run, &run->roots, &owner);
    check.leaks.roots = run->roots.entries;
    check.leaks.root_count = run->roots.count;
    check.leaks.heuristics = run->options.leak_heuristics;
    /* A cycle that a lost object holds is no leak of its own. Memcheck does without. */
    check.leaks.merge_cliques = check.python;
    /* Frames of 3.14 and later have tagged references: a code object's is one as any other. */
    if (check.python)
        check.leaks.tag_bits = (u64)run->python.interpreter.layout->at.code_tag_bits;
    check.leaks.is_vtable = is_vtable;
    check.leaks.is_weak = is_weak_word;
    check.leaks.progress = show_progress;
    check.leaks.context = &check;
    check.next_progress_ms = VG_(read_millisecond_timer)() + PROGRESS_AFTER_MS;
    pm_leaks_search(&check.leaks);
    choose_leaders(&check);
    find_kept(&check);
    for (u32 i = 0; i < check.count; i++)
        if (check.found[i].kind != PM_LEAK_INDIRECT && check.blocks[i].serial > run->fork_serial)
            add_item(&check, i, all);
    for (u32 i = 0; i < check.count; i++)
        if (check.found[i].kind == PM_LEAK_INDIRECT && check.blocks[i].serial > run->fork_serial)
            add_indirect_item(&check, i, all);
    pm_losses_finish(losses);
    pm_leaks_release(&check.leaks);
    pm_memory_scan_end(check.scan);
    pm_free(check.scan);
    pm_leak_weak_release(&check.weak);
    pm_roots_clear(&run->roots);
    if (known)
        pm_objects_release(&check.objects);
    pm_free(check.found);
    pm_free(check.is_part);
    pm_free(check.is_kept);
    pm_free(check.blocks);
    pm_buffer_release(&check.text);
}
