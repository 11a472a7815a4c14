/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stages after the search: what is known of counts and types turns the search's kinds
   into those of loss records, each with a reason. */
#include "tool/leaks/pm_leak_stages.h"

#include "base/pm_platform.h"
#include "tool/leaks/pm_collectable.h"
#include "tool/leaks/pm_leak_places.h"
#include "tool/pm_run.h"

static bool has_surplus(const struct pm_leak_block *found, const struct pm_object *object)
{
    return !object->immortal && !object->interned
        && object->references > found->references + object->kept_references;
}

bool pm_leak_has_surplus(const struct pm_leak_state *check, u32 index,
                         const struct pm_object *object)
{
    return has_surplus(&check->found[index], object);
}

/* The search takes the block with the lowest address for the leader of a lost cycle. The leak is
   the object in the cycle that has more references than the cycle gives it: it becomes the
   leader. If there is none, an object that the collector does not know becomes it, since
   its type may lack a tp_traverse; else the one with the oldest site, so that equal
   cycles have equal leaders. Memory that is no object does not become the leader: it may have
   been that of an older object. */
static u64 rank_in_cycle(const struct pm_leak_state *check, u32 index,
                         const struct pm_object *object)
{
    const u64 last = (u64)1 << 62;

    return (has_surplus(&check->found[index], object) ? 0 : last)
        + (object->linked ? last / 2 : 0) + pm_leak_allocated(check, index)->site;
}

/* The best leader of each cycle, by the index of the search's leader. Ranks are not kept: a cycle's best one so far is
   ranked again for each other member. */
static void rank_leaders(struct pm_leak_state *check, u32 *chosen)
{
    struct pm_object object, best;

    for (u32 i = 0; i < check->count; i++)
        chosen[i] = PM_LEAK_NONE;
    for (u32 i = 0; i < check->count; i++) {
        const struct pm_leak_block *found = &check->found[i];
        if ((!found->cycle && !found->with_leader) || !pm_leak_identify(check, i, &object))
            continue;
        u32 *leader = &chosen[found->leader];
        if (*leader == PM_LEAK_NONE || (pm_leak_identify(check, *leader, &best)
                                        && rank_in_cycle(check, i, &object) < rank_in_cycle(check, *leader, &best)))
            *leader = i;
    }
}

/* Marks the blocks that a lost block, or memory of the object in it, points to. */
static void mark_held(struct pm_leak_state *check, u32 index, struct pm_map *held)
{
    const struct pm_leak_block *block = &check->found[index];
    const u64 end = block->address + block->bytes;
    u64 word;

    for (u64 at = (block->address + 7) & ~(u64)7; at + sizeof word <= end; at += sizeof word) {
        const u32 to = pm_reader_read_u64(&check->run->reader, at, &word) ? pm_leaks_block_at(&check->leaks, word)
            : PM_LEAK_NONE;
        if (to != PM_LEAK_NONE && check->found[to].kind == PM_LEAK_INDIRECT)
            pm_map_put(held, to, 1);
    }
}

/* An object that a lost one leads to, and to which somebody took a reference too many, is a leak of its own: a lost
   instance leads to its class, the class to its module, and so to all that is lost there. What a lost object itself points
   to stays with it: what lost the one lost the other. */
static void lead_by_surplus(struct pm_leak_state *check)
{
    struct pm_map held;
    struct pm_object object;

    pm_map_init(&held);
    for (u32 i = 0; i < check->count; i++) {
        const u32 owner = pm_leak_owner(check, i);
        if (check->found[owner == PM_LEAK_NONE ? i : owner].kind == PM_LEAK_DEFINITE)
            mark_held(check, i, &held);
    }
    for (u32 i = 0; i < check->count; i++) {
        struct pm_leak_block *found = &check->found[i];
        if (found->kind != PM_LEAK_INDIRECT || check->found[found->leader].kind != PM_LEAK_DEFINITE
                || pm_map_get(&held, i) != NULL
                || !pm_leak_identify(check, i, &object) || !has_surplus(found, &object))
            continue;
        found->kind = PM_LEAK_DEFINITE;
        found->leader = i;
        found->cycle = found->with_leader = 0;
    }
    pm_map_release(&held);
}

void pm_leak_choose_leaders(struct pm_leak_state *check)
{
    u32 *chosen = pm_alloc("pm.leak_check", (check->count + 1) * sizeof *chosen);

    rank_leaders(check, chosen);
    for (u32 i = 0; i < check->count; i++) {
        if (chosen[i] == PM_LEAK_NONE || chosen[i] == i)
            continue;
        struct pm_leak_block *old = &check->found[i], *new = &check->found[chosen[i]];
        new->kind = old->kind;
        new->from = old->from;
        new->from_word = old->from_word;
        old->kind = PM_LEAK_INDIRECT;
    }
    for (u32 i = 0; i < check->count; i++) {
        struct pm_leak_block *found = &check->found[i];
        if (found->kind != PM_LEAK_REACHABLE && chosen[found->leader] != PM_LEAK_NONE)
            found->leader = chosen[found->leader];
    }
    pm_free(chosen);
    lead_by_surplus(check);
    pm_leaks_find_cliques(&check->leaks);
}

/* Whether the collector would free the object, which is in a lost cycle, with the rest of its cycle. While the
   program runs it would free each object that it knows: a type that does not tell what it refers to cannot be told
   from one whose garbage waits. When the collector has just run, only what it made itself meanwhile (in finalizers
   that it called) waits. */
static bool waits_for_collector(struct pm_leak_state *check, u32 index, const struct pm_object *object)
{
    const struct pm_finalization *finalization = &check->run->finalization;

    switch (finalization->collector) {
    case PM_COLLECTOR_WAITS:
        return object->linked;
    case PM_COLLECTOR_RAN:
        return object->linked && pm_leak_allocated(check, index)->serial > finalization->collection_serial;
    case PM_COLLECTOR_RAN_CODE:
        return object->linked && !has_surplus(&check->found[index], object)
            && (pm_leak_allocated(check, index)->serial > finalization->collection_serial
                || pm_collectable(&check->objects, object));
    case PM_COLLECTOR_GONE:
        break;
    }
    return pm_collectable(&check->objects, object);
}

/* A cycle that the collector would free as a whole is no leak: while the program runs it waits for
   the collector, and finalization makes some after the collector ran for the last time (up to 3.9). An
   extension's mistake keeps the collector away: a surplus reference, an object that the collector does
   not know, or a type of the extension that does not tell what it refers to (which can be seen when the
   collector has just run, and after finalization, but not in 2.7). */
void pm_leak_find_collectable_cycles(struct pm_leak_state *check)
{
    struct pm_object object;

    for (u32 i = 0; i < check->count; i++)
        if (check->found[i].cycle)
            check->found[check->found[i].leader].flags |= PM_LEAK_COLLECTABLE;
    for (u32 i = 0; i < check->count; i++)
        if (check->found[i].cycle && pm_leak_owner(check, i) == PM_LEAK_NONE
                && !(pm_leak_identify(check, i, &object)
                     && waits_for_collector(check, i, &object)))
            check->found[check->found[i].leader].flags &= (u8)~PM_LEAK_COLLECTABLE;
}

static struct pm_leak_verdict verdict(enum pm_loss_kind kind, enum pm_loss_reason reason)
{
    return (struct pm_leak_verdict){ .kind = kind & 7, .reason = reason & 31 };
}

/* Of a block that is definitely lost for the search. */
static struct pm_leak_verdict judge_leader(struct pm_leak_state *check, u32 index)
{
    const struct pm_leak_block *found = &check->found[index];
    struct pm_object object;

    if (!pm_leak_identify(check, index, &object))
        return verdict(PM_LOSS_DEFINITE, found->cycle ? PM_REASON_OWN_CYCLE : PM_REASON_NO_POINTER);
    if (found->flags & PM_LEAK_INTERNED_AGAIN)
        return verdict(PM_LOSS_DEFINITE, PM_REASON_INTERNED_AGAIN);
    if (object.immortal)
        return verdict(PM_LOSS_INTERPRETER, PM_REASON_IMMORTAL);
    if (object.interned)
        return verdict(PM_LOSS_INTERPRETER, PM_REASON_INTERNED);
    if (has_surplus(found, &object))
        return verdict(PM_LOSS_DEFINITE, PM_REASON_COUNT_TOO_HIGH);
    if (object.references == 0)
        return verdict(PM_LOSS_DEFINITE, PM_REASON_COUNT_ZERO);
    if (object.kept_references > 0)
        return verdict(PM_LOSS_INTERPRETER, PM_REASON_INTERPRETER_COUNT);
    if ((check->found[index].flags & PM_LEAK_COLLECTABLE))
        return verdict(PM_LOSS_INTERPRETER, PM_REASON_COLLECTABLE_CYCLE);
    if (found->cycle)
        return verdict(PM_LOSS_CYCLE, PM_REASON_CYCLE);
    return verdict(PM_LOSS_DEFINITE, PM_REASON_LOST_POINTERS);
}

/* Of a block whose leader is judged already. */
static struct pm_leak_verdict judge_member(struct pm_leak_state *check, u32 index)
{
    return check->verdicts[check->found[index].leader].kind == PM_LOSS_INTERPRETER
        ? verdict(PM_LOSS_INTERPRETER, PM_REASON_INTERPRETER_OWNER)
        : verdict(PM_LOSS_INDIRECT, PM_REASON_LOST_OWNER);
}

static struct pm_leak_verdict judge_reachable(struct pm_leak_state *check, u32 index)
{
    const struct pm_leak_block *found = &check->found[index];
    struct pm_object object;
    u32 dangling;

    pm_leak_dangling_of(check, index, &dangling);
    if (dangling > 0)
        return verdict(PM_LOSS_DEFICIT, PM_REASON_DANGLING);

    if (pm_leak_identify(check, index, &object)) {
        if (has_surplus(found, &object))
            return verdict(PM_LOSS_SURPLUS, PM_REASON_COUNT_TOO_HIGH);
        if (pm_leak_missing_references(check, index, &object) > 0)
            return verdict(PM_LOSS_DEFICIT, PM_REASON_COUNT_TOO_LOW);
    }
    return verdict(PM_LOSS_REACHABLE, found->heuristic != 0 ? PM_REASON_HEURISTIC
                   : pm_leak_from_block(found) == PM_LEAK_NONE ? PM_REASON_ROOT
                   : PM_REASON_REACHABLE_OWNER);
}

/* Nobody owns an object by a pointer into its middle: a cycle that the collector can free is
   garbage whatever such pointers lead to it. With a surplus reference somebody may have one that
   carries a mark, and so looks like a pointer into the middle. */
static struct pm_leak_verdict judge_possible(struct pm_leak_state *check, u32 index)
{
    const u32 from = pm_leak_from_block(&check->found[index]);
    struct pm_object object;

    if ((check->found[index].flags & PM_LEAK_COLLECTABLE)
            && !(pm_leak_identify(check, index, &object) && has_surplus(&check->found[index], &object)))
        return verdict(PM_LOSS_INTERPRETER, PM_REASON_COLLECTABLE_CYCLE);
    return verdict(PM_LOSS_POSSIBLE,
                   from != PM_LEAK_NONE && check->found[from].kind == PM_LEAK_POSSIBLE
                   ? PM_REASON_POSSIBLE_OWNER : PM_REASON_INTERIOR_POINTER);
}

void pm_leak_judge(struct pm_leak_state *check)
{
    check->verdicts = pm_alloc_zero("pm.leak_check",
                                    (check->count + 1) * sizeof *check->verdicts);
    for (u32 i = 0; i < check->count; i++) {
        if (check->found[i].kind == PM_LEAK_DEFINITE)
            check->verdicts[i] = judge_leader(check, i);
        else if (check->found[i].kind == PM_LEAK_POSSIBLE)
            check->verdicts[i] = judge_possible(check, i);
    }
    for (u32 i = 0; i < check->count; i++) {
        switch ((enum pm_leak_kind)check->found[i].kind) {
        case PM_LEAK_REACHABLE:
            check->verdicts[i] = judge_reachable(check, i);
            break;
        case PM_LEAK_INDIRECT:
            check->verdicts[i] = judge_member(check, i);
            break;
        case PM_LEAK_DEFINITE:
        case PM_LEAK_POSSIBLE:
            break;
        }
    }
}

/* Names the root with the pointer, if a root has it. */
static void set_place(struct pm_leak_state *check, u32 index, struct pm_loss_why *why)
{
    struct pm_buffer text;

    const struct pm_leak_block *found = &check->found[index];

    if (pm_leak_from_root(found) == PM_LEAK_NONE)
        return;
    pm_buffer_init(&text);
    pm_leak_places_add_root(check, pm_leak_from_root(found), pm_leak_from_address(&check->leaks, found),
                            &text);
    why->place = pm_strings_take(&check->run->strings, &text);
    pm_buffer_release(&text);
}

void pm_leak_explain(struct pm_leak_state *check, u32 index, struct pm_loss_why *why)
{
    const struct pm_leak_block *found = &check->found[index];
    struct pm_object object;

    *why = (struct pm_loss_why){ .reason = check->verdicts[index].reason };
    if (pm_leak_allocated(check, index)->serial <= check->run->fork_serial) {
        why->reason = PM_REASON_BEFORE_FORK;
        return;
    }
    if (pm_leak_identify(check, index, &object)) {
        why->count = object.references;
        why->found = found->references;
        why->interpreter_count = object.kept_references;
    }
    if (why->reason == PM_REASON_COUNT_TOO_LOW) {
        why->found = check->block_owners[index];
        why->interpreter_count = 0;
        return;
    }
    if (found->kind == PM_LEAK_INDIRECT) {
        why->address = check->found[found->leader].address;
    } else if (why->reason != PM_REASON_COUNT_TOO_HIGH) {
        why->address = pm_leak_from_address(&check->leaks, found);
        set_place(check, index, why);
    }
}
