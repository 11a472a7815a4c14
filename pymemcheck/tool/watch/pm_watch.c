/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_machine.h"
#include "pub_tool_threadstate.h"

#include "tool/watch/pm_watch.h"

#include "base/pm_platform.h"
#include "cpython/pm_layers.h"
#include "tool/pm_run.h"
#include "tool/watch/pm_watch_code.h"
#include "tool/watch/pm_watch_owner.h"

/* For the places of living objects. What comes beyond it is counted and said. */
#define LIMIT_BYTES ((u64)256 << 20)

void pm_watch_init(struct pm_run *run)
{
    struct pm_watch *watch = &run->watch;

    if (run->options.watch_refs.count == 0)
        return;
    run->options.watch_refs.resolution = run->options.leak_resolution;
    watch->on = true;
    pm_balance_init(&watch->balance, LIMIT_BYTES);
    pm_map_init(&watch->counts);
    pm_map_init(&watch->types);
    pm_map_init(&watch->verdicts);
    for (u32 i = 0; i < run->options.watch_refs.count; i++)
        watch->unresolved_objects += run->options.watch_refs.at[i].kind == PM_WATCH_OBJECT;
    pm_watch_wake_init(run);
    pm_events_listen(&run->events, pm_watch_on_event, run);
}

/* Immortal objects (3.12 and later) have a negative low half: Include/object.h, _Py_IsImmortal. */
i64 pm_watch_count_of(const struct pm_run *run, u64 word)
{
    enum { HALF_WORD_BITS = 32 };

    return run->python.interpreter.layout->at.object_refcount_bits == HALF_WORD_BITS ? (i32)(u32)word : (i64)word;
}

u32 pm_watch_place(struct pm_run *run, struct pm_stack_id stack, enum pm_balance_how how, bool up)
{
    struct pm_balance *balance = &run->watch.balance;
    u32 place = pm_balance_find_place(balance, stack, how, up);

    if (place == PM_BALANCE_NO_PLACE) {
        struct pm_balance_owner owner;
        if (how == PM_BALANCE_COUNTERPART)
            pm_watch_owner_evaluation(run, stack, &owner);
        else
            pm_watch_owner_of(run, stack, how == PM_BALANCE_BIRTH, &owner);
        place = pm_balance_add_place(balance, stack, how, up, &owner);
    }
    return place;
}

/* The stack of thread tid. A store comes at any moment, also while the interpreter makes a frame, so what cannot be
   read here is no trouble of the run. */
struct pm_stack_id pm_watch_capture(struct pm_run *run, u32 tid)
{
    const u64 unreadable = run->troubles.unreadable_stacks;
    const struct pm_stack_id stack = pm_capture_stack(run, tid).stack;

    run->troubles.unreadable_stacks = unreadable;
    return stack;
}

static void forget_taker(struct pm_watched *watched)
{
    watched->taken_by = watched->taken_count = 0;
}

/* Remembers that an extension took a reference, or gave it back, perhaps in a function that it called. */
static void note_taker(struct pm_watch *watch, u32 index, u32 place, u64 stack_pointer)
{
    const u32 owner = watch->balance.places[place].owner;
    struct pm_watched *watched = &watch->watched[index];

    if (watch->balance.owners[owner].role != PM_BALANCE_EXTENSION)
        return;
    if (watch->balance.places[place].up) {
        watched->taken_count = watched->taken_by == owner + 1 ? watched->taken_count + 1 : 1;
        watched->taken_by = owner + 1;
        watched->taken_below = stack_pointer;
    } else if (watched->taken_by == owner + 1 && --watched->taken_count == 0) {
        forget_taker(watched);
    }
}

void pm_watch_begin(struct pm_run *run, u64 count_address, u64 block, struct pm_stack_id birth,
                    struct pm_string_id type, u32 place, i64 opening)
{
    struct pm_watch *watch = &run->watch;
    const u64 object = count_address - (u64)run->python.interpreter.layout->at.object_refcount;
    const u32 group = pm_balance_group(&watch->balance, pm_watch_birth_line(run, birth), type, birth);
    const u32 index = pm_balance_watch(&watch->balance, object, group, birth, opening);

    if (place != PM_BALANCE_NO_PLACE)
        pm_balance_change(&watch->balance, index, place, 1);
    if (watch->watched_capacity < watch->balance.object_capacity) {
        watch->watched_capacity = watch->balance.object_capacity;
        watch->watched = pm_realloc("pm.watch", watch->watched,
                                    watch->watched_capacity * sizeof *watch->watched);
    }
    watch->watched[index] = (struct pm_watched){ .count_address = count_address, .block = block };
    if (place != PM_BALANCE_NO_PLACE)
        note_taker(watch, index, place, 0);     /* in a call, even if it is seen only when that returns */
    pm_map_put(&watch->counts, count_address, index);
    pm_watch_code_mark(count_address);
    pm_watch_wake_up(run);
}

bool pm_watch_begin_older(struct pm_run *run, struct pm_objects *objects, const struct pm_object *object,
                          struct pm_stack_id birth)
{
    bool in_slabs;

    if (object->immortal) {
        run->watch.immortal++;
        return false;
    }
    if (pm_watch_object_at(run, object->address) != PM_WATCH_NONE)
        return true;
    const struct pm_block *block = pm_blocks_around(&run->blocks, object->address, &in_slabs);
    pm_watch_begin(run, object->address + (u64)run->python.interpreter.layout->at.object_refcount,
                   block != NULL ? block->address : 0, birth, pm_objects_type_name(objects, object->type),
                   PM_BALANCE_NO_PLACE, (i64)object->references);
    return true;
}

void pm_watch_finish(struct pm_run *run, u32 index, bool died)
{
    struct pm_watch *watch = &run->watch;
    struct pm_watched *watched = &watch->watched[index];

    pm_map_remove(&watch->counts, watched->count_address);
    pm_watch_code_unmark(watched->count_address);
    *watched = (struct pm_watched){ 0 };
    pm_balance_end(&watch->balance, index, died);
}

u32 pm_watch_object_at(const struct pm_run *run, u64 object)
{
    const struct pm_layout *layout = run->python.interpreter.layout;
    const u64 *found = !run->watch.on || layout == NULL
        ? NULL : pm_map_get(&run->watch.counts, object + (u64)layout->at.object_refcount);

    return found != NULL ? (u32)*found : (u32)PM_WATCH_NONE;
}

/* The count as the last store left it. */
static i64 expected_count(const struct pm_watch *watch, u32 index)
{
    return watch->balance.objects[index].count + (watch->watched[index].revived_at != 0);
}

bool pm_watch_agrees(struct pm_run *run, u32 index)
{
    const struct pm_watch *watch = &run->watch;
    u64 word;

    return pm_reader_read_u64(&run->reader, watch->watched[index].count_address, &word)
        && pm_watch_count_of(run, word) == expected_count(watch, index);
}

void pm_watch_meet(struct pm_run *run, u32 index)
{
    const struct pm_watch *watch = &run->watch;
    u64 word;

    if (!pm_reader_read_u64(&run->reader, watch->watched[index].count_address, &word))
        return;
    const i64 delta = pm_watch_count_of(run, word) - expected_count(watch, index);
    if (delta != 0)
        pm_balance_unseen(&run->watch.balance, index, delta);
}

/* Whether a store to the count of a dead object is no count but the next one's address in a free list
   (PM_FREE_LIST_LINKED): counts begin at 1. */
static bool is_link(const struct pm_run *run, i64 expected, u64 word)
{
    return run->python.interpreter.layout->free_lists == PM_FREE_LIST_LINKED && expected == 0 && word > 1;
}

/* The program changes the count of a watched object. */
static void change(struct pm_run *run, u32 tid, u32 index, i64 old, i64 new)
{
    struct pm_watch *watch = &run->watch;
    struct pm_watched *watched = &watch->watched[index];

    if (old != expected_count(watch, index))
        pm_balance_unseen(&watch->balance, index, old - expected_count(watch, index));
    if (new == old)
        return;
    if (watched->revived_at != 0) {
        pm_balance_change(&watch->balance, index, watched->revived_at - 1, 1);
        watched->revived_at = 0;
    }
    const u32 place = pm_watch_place(run, pm_watch_capture(run, tid), PM_BALANCE_CHANGE, new > old);
    note_taker(watch, index, place, VG_(get_SP)(tid));
    if (old == 0 && new == 1)
        watched->revived_at = place + 1;
    else
        pm_balance_change(&watch->balance, index, place, (u64)(new > old ? new - old : old - new));
}

void pm_watch_store(struct pm_run *run, u32 tid, u64 address, u64 value, u32 bytes)
{
    struct pm_watch *watch = &run->watch;
    const u32 pending = pm_watch_pending_at(run, address);
    const u64 *found = pending != PM_WATCH_NONE ? NULL : pm_map_get(&watch->counts, address);
    u64 word;

    if ((found == NULL && pending == PM_WATCH_NONE) || !pm_reader_read_u64(&run->reader, address, &word))
        return;
    const u64 stored = bytes == sizeof(u32) ? (word >> 32 << 32 | (u32)value) : value;
    const i64 old = pm_watch_count_of(run, word), new = pm_watch_count_of(run, stored);
    const u32 index = found != NULL ? (u32)*found : pm_watch_pending_store(run, pending, address, old, new);
    if (index == PM_WATCH_NONE)
        return;
    /* A debug hook overwrites the ends of a block before realloc, and restores them afterwards. */
    if (pm_layers_is_fill(word) || pm_layers_is_fill(stored))
        return;
    if (is_link(run, expected_count(watch, index), stored)) {
        pm_watch_finish(run, index, true);
    } else if (new < 0 || old < 0) {
        watch->immortal++;
        pm_watch_finish(run, index, false);
    } else {
        change(run, tid, index, old, new);
    }
}

u32 pm_watch_returned(struct pm_run *run, u64 object)
{
    const struct pm_layout *layout = run->python.interpreter.layout;
    const u32 known = pm_watch_object_at(run, object);
    const u32 pending = layout == NULL || known != PM_WATCH_NONE ? (u32)PM_WATCH_NONE
        : pm_watch_pending_at(run, object + (u64)layout->at.object_refcount);

    if (pending == PM_WATCH_NONE)
        return known;
    pm_watch_settle_if_born(run, pending);
    return pm_watch_object_at(run, object);
}

/* What the extension took in the call itself is its own already. */
void pm_watch_return(struct pm_run *run, u32 tid, u32 index, bool given, u64 stack_pointer)
{
    struct pm_watched *watched = &run->watch.watched[index];
    struct pm_balance *balance = &run->watch.balance;

    if (expected_count(&run->watch, index) <= 0)
        return;
    const struct pm_stack_id stack = pm_watch_capture(run, tid);
    const u32 own = pm_watch_place(run, stack, PM_BALANCE_TRANSFER, !given);
    const bool is_taker = watched->taken_by == balance->places[own].owner + 1;
    if (balance->owners[balance->places[own].owner].role != PM_BALANCE_EXTENSION)
        return;
    if (!given && is_taker && watched->taken_below < stack_pointer) {
        watched->taken_below = stack_pointer;
        return;
    }
    const u32 other = pm_watch_place(run, stack, PM_BALANCE_COUNTERPART, given);
    if (given)
        pm_balance_transfer(balance, index, other, own);
    else
        pm_balance_transfer(balance, index, own, other);
    note_taker(&run->watch, index, own, stack_pointer);
}

void pm_watch_pass(struct pm_run *run, u32 index, struct pm_stack_id from, u32 tid, u64 stack_pointer)
{
    struct pm_balance *balance = &run->watch.balance;
    struct pm_watched *watched = &run->watch.watched[index];
    const u32 own = pm_watch_place(run, from, PM_BALANCE_TRANSFER, false);

    if (expected_count(&run->watch, index) <= 0 || watched->taken_by != balance->places[own].owner + 1)
        return;
    const u32 next = pm_watch_place(run, pm_watch_capture(run, tid), PM_BALANCE_TRANSFER, true);
    if (balance->places[next].owner == balance->places[own].owner)
        return;
    pm_balance_transfer(balance, index, next, own);
    forget_taker(watched);
    note_taker(&run->watch, index, next, stack_pointer);
}
