/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which objects are watched.

   A block says where it was allocated, but not what it will hold: the count and the type are stored afterwards, in
   either order. So a new block is *pending*. All words of it that may become a count are marked in the
   filter (pm_watch_code.h). At the first store to such a word behind which there is a type, it is known whether the object is
   chosen, and the block is no longer pending. That store is the birth if it makes the count 1. Else the object was born
   before, unseen, and its count is the opening balance.

   A block that was not stored to is looked at when so many others were allocated (PM_WATCH_PENDING).

   An object that comes back from a free list is told as PM_EVENT_REUSED: before its count is stored
   (_Py_NewReference), or after it (where that is inlined). What was watched there has ended then. */
#include "pub_tool_basics.h"

#include "tool/watch/pm_watch.h"

#include "base/pm_platform.h"
#include "cpython/pm_births.h"
#include "cpython/pm_object.h"
#include "cpython/pm_object_member.h"
#include "tool/allocator/pm_allocator.h"
#include "tool/pm_run.h"
#include "tool/watch/pm_watch_code.h"
#include "tool/watch/pm_watch_types.h"

/* Before an instance with a dict or weak references that the interpreter manages, 3.11 and later
   (Include/internal/pycore_object.h, _PyType_PreHeaderSize). */
enum { PRE_HEADER_BYTES = 16, LEAST_OBJECT_BYTES = 16 };

/* Stores to a pending block before it is given up: it holds no object. A large object may be cleared word by word first. */
enum { MOST_TRIES = 100 };

static struct pm_tables tables_of(const struct pm_run *run)
{
    return (struct pm_tables){ &run->strings, &run->frames, &run->stacks };
}

u32 pm_watch_headers(const struct pm_run *run, bool padded, u64 bytes[PM_WATCH_HEADERS])
{
    const struct pm_layout *layout = run->python.interpreter.layout;
    const u64 hook = padded ? layout->hook_prefix_bytes : 0, gc = (u64)layout->at.gc_head_bytes;

    bytes[0] = hook;
    bytes[1] = hook + gc;
    bytes[2] = hook + gc + PRE_HEADER_BYTES;
    return PM_WATCH_HEADERS;
}

static u64 offset_of_count(const struct pm_run *run)
{
    return (u64)run->python.interpreter.layout->at.object_refcount;
}

/* The same of the object that begins header bytes behind the start of a block; 0: none begins there. */
static u64 type_at(struct pm_run *run, u64 block, u64 header, bool padded)
{
    const struct pm_birth_store store = { .object = block + header, .block = block };
    const u64 known = pm_watch_type_known(run, &store);

    return known != 0 && header == pm_watch_type_header(known) + (padded ? run->python.interpreter.layout->hook_prefix_bytes : 0)
        ? known : 0;
}

/* --- Verdicts --- */

enum { ANY_TYPE = UINT32_MAX };

static bool is_chosen(struct pm_run *run, struct pm_stack_id stack, u32 type)
{
    const struct pm_watch_rules *rules = &run->options.watch_refs;
    const struct pm_tables tables = tables_of(run);
    const u64 key = (u64)(rules->only_types ? 0 : stack.v) << 32 | type;
    u64 *refused = &run->watch.refused[pm_hash_u64(key) % PM_WATCH_REFUSED];

    if (key != 0 && *refused == key)
        return false;
    const u64 *known = pm_map_get(&run->watch.verdicts, key);
    if (known != NULL) {
        if (*known == 0)
            *refused = key;
        return *known != 0;
    }
    const bool chosen = type == ANY_TYPE
        ? pm_watch_rules_match_birth(rules, &tables, stack)
        : pm_watch_rules_match(rules, &tables, stack, (struct pm_string_id){ type });
    pm_map_put(&run->watch.verdicts, key, chosen);
    return chosen;
}

/* --- Pending blocks --- */

/* The filter's units in which a count of the block may be. */
static void mark_pending(struct pm_run *run, const struct pm_watch_pending *pending, void (*mark)(u64 address))
{
    u64 headers[PM_WATCH_HEADERS];
    const u32 count = pm_watch_headers(run, pending->padded, headers);

    for (u32 i = 0; i < count; i++)
        if (headers[i] + LEAST_OBJECT_BYTES <= pending->bytes)
            mark(pending->block + headers[i] + offset_of_count(run));
}

static void drop_pending(struct pm_run *run, u32 index)
{
    struct pm_watch_pending *pending = &run->watch.pending[index];

    if (pending->block == 0)
        return;
    mark_pending(run, pending, pm_watch_code_unmark);
    pending->block = pending->bytes = 0;
    run->watch.late_count -= index >= PM_WATCH_NEW;
}

u32 pm_watch_pending_at(const struct pm_run *run, u64 count_address)
{

    const u32 count = run->watch.late_count > 0 ? (u32)PM_WATCH_PENDING : (u32)PM_WATCH_NEW;

    for (u32 i = 0; i < count; i++)
        if (count_address - run->watch.pending[i].block < run->watch.pending[i].bytes)
            return i;
    return PM_WATCH_NONE;
}

/* Whether a new object may have so many references. Two addresses of types, as in the items of a list of classes, look like
   a count and a type. */
static bool is_plausible(i64 references)
{
    enum { LEAST_ADDRESS = 1 << 22 };

    return references > 0 && references < LEAST_ADDRESS;
}

/* Whether an object is in the block that has one reference. */
static bool holds_object(struct pm_run *run, const struct pm_watch_pending *pending)
{
    u64 headers[PM_WATCH_HEADERS], word;
    const u32 count = pm_watch_headers(run, pending->padded, headers);

    for (u32 i = 0; i < count; i++)
        if (headers[i] + LEAST_OBJECT_BYTES <= pending->bytes
                && type_at(run, pending->block, headers[i], pending->padded) != 0
                && pm_reader_read_u64(&run->reader, pending->block + headers[i] + offset_of_count(run), &word)
                && pm_watch_count_of(run, word) == 1)
            return true;
    return false;
}

/* Watches the object in a block if one is there, with the count that it has now, and if it is chosen. */
static void look_into(struct pm_run *run, u64 block, u64 bytes, bool padded, struct pm_stack_id birth)
{
    u64 headers[PM_WATCH_HEADERS], word;
    const u32 count = pm_watch_headers(run, padded, headers);

    for (u32 i = 0; i < count; i++) {
        const u64 at = block + headers[i] + offset_of_count(run);
        const u64 type = headers[i] + LEAST_OBJECT_BYTES <= bytes ? type_at(run, block, headers[i], padded) : 0;
        if (type == 0 || !pm_reader_read_u64(&run->reader, at, &word))
            continue;
        const i64 references = pm_watch_count_of(run, word);
        if (is_plausible(references) && pm_map_get(&run->watch.counts, at) == NULL
                && pm_watch_type_chosen(type) && is_chosen(run, birth, pm_watch_type_name(type).v))
            pm_watch_begin(run, at, block, birth, pm_watch_type_name(type), pm_watch_place(run, birth, PM_BALANCE_BIRTH, true),
                           references - 1);
        return;
    }
}

/* What is there after so many other allocations was written without a store that we saw. */
static void settle(struct pm_run *run, u32 index)
{
    const struct pm_watch_pending pending = run->watch.pending[index];

    if (pending.block == 0)
        return;
    drop_pending(run, index);
    look_into(run, pending.block, pending.bytes, pending.padded, pending.birth);
}

/* Whether a word where a type would stand is still 0: freed memory is overwritten. Only the collector's links may have been stored. */
static bool may_become_object(struct pm_run *run, const struct pm_watch_pending *pending)
{
    u64 headers[PM_WATCH_HEADERS], word;
    const u32 count = pm_watch_headers(run, pending->padded, headers);

    for (u32 i = 0; i < count; i++)
        if (headers[i] + LEAST_OBJECT_BYTES <= pending->bytes
                && pm_reader_read_u64(&run->reader, pending->block + headers[i]
                                          + (u64)run->python.interpreter.layout->at.object_type, &word) && word == 0)
            return true;
    return false;
}

/* Another block takes the place of a pending one. One that has no object yet stays pending. */
static void make_late(struct pm_run *run, u32 index)
{
    struct pm_watch *watch = &run->watch;
    const struct pm_watch_pending pending = watch->pending[index];
    const u32 late = PM_WATCH_NEW + watch->next_late;

    if (pending.block == 0)
        return;
    if (!may_become_object(run, &pending) || holds_object(run, &pending)) {
        settle(run, index);
        return;
    }
    settle(run, late);
    watch->next_late = (watch->next_late + 1) % PM_WATCH_LATE;
    watch->pending[index].block = watch->pending[index].bytes = 0;
    watch->pending[late] = pending;
    watch->late_count++;
}

/* Whether an object fits into the block. Then its first possible count is marked as long as the block is pending. */
static bool has_room(const struct pm_run *run, const struct pm_block *block)
{
    u64 headers[PM_WATCH_HEADERS];

    pm_watch_headers(run, block->padding_units != 0, headers);
    return headers[0] + LEAST_OBJECT_BYTES <= block->bytes;
}

static void await(struct pm_run *run, const struct pm_block *block)
{
    struct pm_watch *watch = &run->watch;
    const struct pm_stack_id birth = pm_allocator_stack(run, block);
    const u32 index = watch->next_pending;

    if (!has_room(run, block) || (!run->options.watch_refs.any_place && !is_chosen(run, birth, ANY_TYPE)))
        return;
    make_late(run, index);
    watch->next_pending = (index + 1) % PM_WATCH_NEW;
    watch->pending[index] = (struct pm_watch_pending){
        .block = block->address, .bytes = block->bytes, .birth = birth, .padded = block->padding_units != 0,
    };
    mark_pending(run, &watch->pending[index], pm_watch_code_mark);
}

void pm_watch_settle_if_born(struct pm_run *run, u32 index)
{
    if (holds_object(run, &run->watch.pending[index]))
        settle(run, index);
}

/* An object from a free list. If its count is stored already, it is born. */
static void await_again(struct pm_run *run, const struct pm_block *block, u64 object)
{
    const struct pm_birth_store store = { .object = object, .block = block->address };
    const u64 known = pm_watch_type_known(run, &store);
    const u32 index = run->watch.next_pending;

    if (known != 0 && (!pm_watch_type_chosen(known) || !is_chosen(run, pm_allocator_stack(run, block), pm_watch_type_name(known).v)))
        return;

    await(run, block);
    if (run->watch.pending[index].block == block->address)
        pm_watch_settle_if_born(run, index);
}

/* A store to a pending block that is no count with a type behind it. The count may have been stored before the type: now and then
   it is looked whether both are there. */
static void look_again(struct pm_run *run, u32 index)
{
    const u32 tries = ++run->watch.pending[index].tries;

    if (tries == MOST_TRIES)
        settle(run, index);
    else if ((tries & (tries - 1)) == 0)
        pm_watch_settle_if_born(run, index);
}

u32 pm_watch_pending_store(struct pm_run *run, u32 index, u64 count_address, i64 old, i64 new)
{
    const struct pm_watch_pending pending = run->watch.pending[index];
    const u64 header = count_address - offset_of_count(run) - pending.block;
    const u64 type = is_plausible(new)      /* first: most stores are of pointers, and need no look at memory */
        ? type_at(run, pending.block, header, pending.padded) : 0;

    if (type == 0) {
        look_again(run, index);
        return PM_WATCH_NONE;
    }
    const struct pm_string_id name = pm_watch_type_name(type);
    drop_pending(run, index);
    if (!pm_watch_type_chosen(type) || !is_chosen(run, pending.birth, name.v))
        return PM_WATCH_NONE;
    if (new == 1 || !is_plausible(old)) {
        pm_watch_begin(run, count_address, pending.block, pending.birth, name,
                       pm_watch_place(run, pending.birth, PM_BALANCE_BIRTH, true), new - 1);
        return PM_WATCH_NONE;
    }
    pm_watch_begin(run, count_address, pending.block, pending.birth, name, pm_watch_place(run, pending.birth, PM_BALANCE_BIRTH, true),
                   old - 1);
    return pm_watch_object_at(run, pending.block + header);
}

/* --- Events --- */

/* Visits each watched object in a block, and drops it if it is pending. */
static void for_each_in(struct pm_run *run, const struct pm_block *block,
                        void (*visit)(struct pm_run *run, u32 object, u64 moved_by), u64 moved_by)
{
    u64 headers[PM_WATCH_HEADERS];
    const u32 count = pm_watch_headers(run, block->padding_units != 0, headers);

    if (pm_watch_code_is_marked(block->address + headers[0] + offset_of_count(run))) {
        const u32 pending = pm_watch_pending_at(run, block->address);
        if (pending != PM_WATCH_NONE && run->watch.pending[pending].block == block->address)
            drop_pending(run, pending);
    }
    if (run->watch.counts.count == 0)
        return;
    for (u32 i = 0; i < count; i++) {
        const u64 at = block->address + headers[i] + offset_of_count(run);
        const u64 *entry = pm_watch_code_is_marked(at) ? pm_map_get(&run->watch.counts, at) : NULL;
        if (entry != NULL && run->watch.watched[*entry].block == block->address)
            visit(run, (u32)*entry, moved_by);
    }
}

/* Its block is freed. Debug hooks have overwritten it, so its count is not compared. */
static void end_object(struct pm_run *run, u32 index, u64 moved_by)
{
    (void)moved_by;
    pm_watch_finish(run, index, run->watch.balance.objects[index].count == 0);
}

/* A new object begins in its block. One that still has references was only told to be new, as it was
   moved (Objects/tupleobject.c, _PyTuple_Resize) or revived. */
static void replace_object(struct pm_run *run, u32 index, u64 moved_by)
{
    (void)moved_by;
    if (run->watch.balance.objects[index].count == 0)
        pm_watch_finish(run, index, true);
}

static void move_object(struct pm_run *run, u32 index, u64 moved_by)
{
    struct pm_watched *watched = &run->watch.watched[index];

    pm_map_remove(&run->watch.counts, watched->count_address);
    pm_watch_code_unmark(watched->count_address);
    watched->count_address += moved_by;
    watched->block += moved_by;
    run->watch.balance.objects[index].address += moved_by;
    pm_map_put(&run->watch.counts, watched->count_address, index);
    pm_watch_code_mark(watched->count_address);
}

/* A type lies in the block that is freed: its address may become another's. */
static void forget_types(struct pm_run *run, const struct pm_block *block)
{
    enum { LEAST_TYPE_BYTES = 300 };
    u64 headers[PM_WATCH_HEADERS];

    if (block->bytes < LEAST_TYPE_BYTES)
        return;
    const u32 count = pm_watch_headers(run, block->padding_units != 0, headers);
    for (u32 i = 0; i < count; i++)
        pm_watch_type_forget(run, block->address + headers[i]);
}

static bool is_watched_in(struct pm_run *run, const struct pm_block *block)
{
    u64 headers[PM_WATCH_HEADERS];

    if (run->watch.counts.count == 0)
        return false;
    const u32 count = pm_watch_headers(run, block->padding_units != 0, headers);
    for (u32 i = 0; i < count; i++)
        if (pm_watch_object_at(run, block->address + headers[i]) != PM_WATCH_NONE)
            return true;
    return false;
}

/* --- Objects that are older than the watch --- */

static void look_into_block(void *context, struct pm_block *block)
{
    struct pm_run *run = context;

    if (block->origin != PM_BLOCK_CUSTOM && is_chosen(run, pm_allocator_stack(run, block), ANY_TYPE))
        look_into(run, block->address, block->bytes, block->padding_units != 0, pm_allocator_stack(run, block));
}

/* The modules that rules object: begin with. */
struct search {
    struct pm_run *run;
    struct pm_objects objects;
};

/* The length of the first part of a dotted name behind at. */
static size_t part_length(const struct pm_watch_rule *rule, size_t at)
{
    size_t length = 0;

    while (at + length < rule->length && rule->text[at + length] != '.')
        length++;
    return length;
}

enum { MOST_NAME = 128 };

static bool copy_part(const struct pm_watch_rule *rule, size_t from, size_t length, char *to)
{
    if (length == 0 || length >= MOST_NAME)
        return false;
    pm_copy(to, rule->text + from, length);
    to[length] = '\0';
    return true;
}

/* The object that the rest of the rule names, in the module; 0: none. */
static u64 follow(struct search *search, const struct pm_watch_rule *rule, const struct pm_object *module, size_t at)
{
    struct pm_object object = *module;
    char name[MOST_NAME];

    while (at < rule->length) {
        const size_t length = part_length(rule, at);
        if (!copy_part(rule, at, length, name))
            return 0;
        const u64 member = pm_objects_member(&search->objects, &object, name);
        if (member == 0 || !pm_objects_at(&search->objects, member, &object))
            return 0;
        at += length + 1;
    }
    return object.address;
}

/* Watches what the rule names if it begins with the module. */
static void try_rule(struct search *search, const struct pm_watch_rule *rule, const struct pm_object *module)
{
    struct pm_run *run = search->run;
    char name[MOST_NAME];

    for (size_t end = 1; end < rule->length; end++) {
        if (rule->text[end] != '.' || !copy_part(rule, 0, end, name)
                || !pm_objects_is_module(&search->objects, module, name))
            continue;
        const u64 found = follow(search, rule, module, end + 1);
        struct pm_object object;
        if (found == 0 || !pm_objects_at(&search->objects, found, &object))
            continue;
        run->watch.unresolved_objects -= run->watch.unresolved_objects > 0;
        pm_watch_begin_older(run, &search->objects, &object, PM_STACK_EMPTY);
    }
}

static void try_block(void *context, struct pm_block *block)
{
    struct search *search = context;
    const struct pm_watch_rules *rules = &search->run->options.watch_refs;
    const u64 hook = search->run->python.interpreter.layout->hook_prefix_bytes;
    struct pm_object object;

    if (!pm_objects_identify(&search->objects, block->address, block->bytes, 0, &object)
            && !pm_objects_identify(&search->objects, block->address, block->bytes, hook, &object))
        return;
    for (u32 i = 0; i < rules->count; i++)
        if (rules->at[i].kind == PM_WATCH_OBJECT)
            try_rule(search, &rules->at[i], &object);
}

/* Looks for objects by name. A module may be imported at any time, so it is done again, after ever more allocations. */
static void look_for_objects(struct pm_run *run)
{
    struct search search = { .run = run };

    run->watch.next_look_serial = run->serial + run->serial / 2;
    pm_reader_forget(&run->reader);
    if (pm_objects_init(&search.objects, &run->reader, &run->strings, &run->python.interpreter))
        pm_blocks_each(&run->blocks, try_block, &search);
    pm_objects_release(&search.objects);
}

static void look_around(struct pm_run *run)
{
    struct pm_watch *watch = &run->watch;

    if (!watch->scanned) {
        watch->scanned = true;
        pm_blocks_each(&run->blocks, look_into_block, run);
    }
    if (watch->unresolved_objects > 0 && run->serial >= watch->next_look_serial)
        look_for_objects(run);
}

void pm_watch_on_event(void *context, const struct pm_event *event)
{
    struct pm_run *run = context;

    if (run->python.state != PM_PYTHON_READY)
        return;
    look_around(run);
    if (!run->watch.wake.awake && !pm_watch_wake_on_event(run, event))
        return;
    if (event->before != NULL && event->before->origin == PM_BLOCK_CUSTOM)
        return;
    switch (event->kind) {
    case PM_EVENT_ALLOCATED:
        if (event->block->origin != PM_BLOCK_CUSTOM)
            await(run, event->block);
        break;
    case PM_EVENT_FREED:
        for_each_in(run, event->before, end_object, 0);
        forget_types(run, event->before);
        break;
    case PM_EVENT_RESIZED:
        for_each_in(run, event->before, move_object, event->block->address - event->before->address);
        break;
    case PM_EVENT_REUSED:
        for_each_in(run, event->before, replace_object, 0);
        if (!is_watched_in(run, event->block))
            await_again(run, event->block, event->arguments[0]);
        break;
    case PM_EVENT_FAILED:
    case PM_EVENT_UNKNOWN_FREE:
        break;
    }
}
