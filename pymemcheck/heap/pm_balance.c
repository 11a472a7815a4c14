/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heap/pm_balance.h"

#include "base/pm_platform.h"

void pm_balance_init(struct pm_balance *balance, u64 limit_bytes)
{
    *balance = (struct pm_balance){ .limit_bytes = limit_bytes };
    pm_map_init(&balance->by_stack);
    pm_map_init(&balance->by_name);
    pm_map_init(&balance->by_birth);
}

static void release_tallies(struct pm_balance_object *object)
{
    if (object->by_place != NULL) {
        pm_map_release(object->by_place);
        pm_free(object->by_place);
    }
    pm_free(object->tallies);
}

void pm_balance_release(struct pm_balance *balance)
{
    for (u32 i = 0; i < balance->object_count; i++)
        release_tallies(&balance->objects[i]);
    for (u32 i = 0; i < balance->group_count; i++)
        pm_free(balance->groups[i].habits);
    pm_free(balance->places);
    pm_free(balance->owners);
    pm_free(balance->objects);
    pm_free(balance->groups);
    pm_free(balance->nets);
    pm_map_release(&balance->by_stack);
    pm_map_release(&balance->by_name);
    pm_map_release(&balance->by_birth);
    *balance = (struct pm_balance){ 0 };
}

/* Room for one more item of bytes in an array of count items. */
static void *grow(void *items, u32 count, u32 *capacity, size_t bytes)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity > 0 ? *capacity * 2 : 64;
    return pm_realloc("pm.balance", items, *capacity * bytes);
}

static u64 place_key(struct pm_stack_id stack, enum pm_balance_how how, bool up)
{
    return (u64)stack.v << 3 | (u64)how << 1 | up;
}

u32 pm_balance_find_place(const struct pm_balance *balance, struct pm_stack_id stack, enum pm_balance_how how, bool up)
{
    const u64 *found = pm_map_get(&balance->by_stack, place_key(stack, how, up));

    return found != NULL ? (u32)*found : (u32)PM_BALANCE_NO_PLACE;
}

static u32 owner_of(struct pm_balance *balance, const struct pm_balance_owner *owner)
{
    const u64 key = (u64)owner->name.v << 2 | owner->role;
    const u64 *found = pm_map_get(&balance->by_name, key);

    if (found != NULL)
        return (u32)*found;
    balance->owners = grow(balance->owners, balance->owner_count, &balance->owner_capacity,
                           sizeof *balance->owners);
    balance->owners[balance->owner_count] = *owner;
    pm_map_put(&balance->by_name, key, balance->owner_count);
    return balance->owner_count++;
}

u32 pm_balance_add_place(struct pm_balance *balance, struct pm_stack_id stack, enum pm_balance_how how, bool up,
                         const struct pm_balance_owner *owner)
{
    const struct pm_balance_place place = {
        .stack = stack,
        .how = how,
        .up = up,
        .owner = owner_of(balance, owner),
        .shown = owner->shown,
        .python = owner->python,
        .function = owner->function,
        .has_shown = owner->has_shown,
        .has_python = owner->has_python,
    };

    balance->places = grow(balance->places, balance->place_count, &balance->place_capacity,
                           sizeof *balance->places);
    balance->places[balance->place_count] = place;
    pm_map_put(&balance->by_stack, place_key(stack, how, up), balance->place_count);
    return balance->place_count++;
}

u32 pm_balance_group(struct pm_balance *balance, u64 line, struct pm_string_id type, struct pm_stack_id birth)
{
    const u64 key = pm_hash_u64(line) ^ ((u64)type.v << 32 | type.v);
    const u64 *found = pm_map_get(&balance->by_birth, key);

    if (found != NULL)
        return (u32)*found;
    balance->groups = grow(balance->groups, balance->group_count, &balance->group_capacity,
                           sizeof *balance->groups);
    balance->groups[balance->group_count] = (struct pm_balance_group){ .type = type, .birth = birth };
    pm_map_put(&balance->by_birth, key, balance->group_count);
    return balance->group_count++;
}

u32 pm_balance_watch(struct pm_balance *balance, u64 address, u32 group, struct pm_stack_id birth, i64 opening)
{
    u32 index = balance->free_object;

    if (index > 0) {
        balance->free_object = balance->objects[--index].next_free;
    } else {
        balance->objects = grow(balance->objects, balance->object_count, &balance->object_capacity,
                                sizeof *balance->objects);
        index = balance->object_count++;
    }
    balance->objects[index] = (struct pm_balance_object){
        .address = address, .group = group, .birth = birth, .opening = opening, .count = opening,
    };
    balance->groups[group].born++;
    balance->watched++;
    balance->live++;
    return index;
}

/* Most objects meet few places, which are quicker found in a list than in a map. */
enum { FIRST_TALLIES = 4, MANY_TALLIES = 32, MAPPED_TALLY_BYTES = 40 };

static u64 bytes_of(u32 capacity)
{
    return capacity * (u64)(capacity > MANY_TALLIES ? (u64)MAPPED_TALLY_BYTES : sizeof(struct pm_balance_tally));
}

static void map_tallies(struct pm_balance_object *object)
{
    object->by_place = pm_alloc("pm.balance", sizeof *object->by_place);
    pm_map_init(object->by_place);
    for (u32 i = 0; i < object->tally_count; i++)
        pm_map_put(object->by_place, object->tallies[i].place, i);
}

/* Room for one more place of the object; false: the limit is reached. */
static bool make_room(struct pm_balance *balance, struct pm_balance_object *object)
{
    const u32 capacity = object->tally_capacity > 0 ? object->tally_capacity * 2 : FIRST_TALLIES;
    const u64 more = bytes_of(capacity) - bytes_of(object->tally_capacity);

    if (object->tally_count < object->tally_capacity)
        return true;
    if (balance->tally_bytes + more > balance->limit_bytes)
        return false;
    object->tallies = pm_realloc("pm.balance", object->tallies, capacity * sizeof *object->tallies);
    object->tally_capacity = capacity;
    balance->tally_bytes += more;
    if (capacity > MANY_TALLIES && object->by_place == NULL)
        map_tallies(object);
    return true;
}

static struct pm_balance_tally *find_tally(const struct pm_balance_object *object, u32 place)
{
    if (object->by_place != NULL) {
        const u64 *found = pm_map_get(object->by_place, place);
        return found != NULL ? &object->tallies[*found] : NULL;
    }
    for (u32 i = object->tally_count; i > 0; i--)
        if (object->tallies[i - 1].place == place)
            return &object->tallies[i - 1];
    return NULL;
}

static void add_tally(struct pm_balance *balance, struct pm_balance_object *object, u32 place, u64 amount)
{
    struct pm_balance_tally *tally = find_tally(object, place);

    if (tally != NULL && tally->amount + amount <= UINT32_MAX) {
        tally->amount += (u32)amount;
    } else if (tally == NULL && amount <= UINT32_MAX && make_room(balance, object)) {
        if (object->by_place != NULL)
            pm_map_put(object->by_place, place, object->tally_count);
        object->tallies[object->tally_count++] = (struct pm_balance_tally){ place, (u32)amount };
    } else {
        balance->lost_changes += amount;
        object->lost_changes = true;
    }
}

void pm_balance_change(struct pm_balance *balance, u32 index, u32 place, u64 amount)
{
    struct pm_balance_object *object = &balance->objects[index];
    const bool up = balance->places[place].up;

    PM_ASSERT(object->address != 0 && amount > 0);
    balance->places[place].changes += amount;
    balance->changes += amount;
    object->count += up ? (i64)amount : -(i64)amount;
    object->up += up ? amount : 0;
    object->down += up ? 0 : amount;
    add_tally(balance, object, place, amount);
}

void pm_balance_transfer(struct pm_balance *balance, u32 index, u32 to, u32 from)
{
    struct pm_balance_object *object = &balance->objects[index];

    PM_ASSERT(object->address != 0 && balance->places[to].up && !balance->places[from].up);
    balance->places[to].changes++;
    balance->places[from].changes++;
    add_tally(balance, object, to, 1);
    add_tally(balance, object, from, 1);
}

void pm_balance_unseen(struct pm_balance *balance, u32 index, i64 delta)
{
    struct pm_balance_object *object = &balance->objects[index];

    object->count += delta;
    object->unseen += delta;
    balance->unseen_changes += (u64)(delta < 0 ? -delta : delta);
}

const i64 *pm_balance_nets(struct pm_balance *balance, u32 index)
{
    const struct pm_balance_object *object = &balance->objects[index];

    if (balance->nets_capacity < balance->owner_count) {
        balance->nets_capacity = balance->owner_capacity;
        balance->nets = pm_realloc("pm.balance", balance->nets, balance->nets_capacity * sizeof *balance->nets);
    }
    for (u32 i = 0; i < balance->owner_count; i++)
        balance->nets[i] = 0;
    for (u32 i = 0; i < object->tally_count; i++) {
        const struct pm_balance_place *place = &balance->places[object->tallies[i].place];
        const i64 amount = object->tallies[i].amount;
        balance->nets[place->owner] += place->up ? amount : -amount;
    }
    return balance->nets;
}

const struct pm_balance_habit *pm_balance_habit(const struct pm_balance_group *group, u32 owner)
{
    for (u32 i = 0; i < group->habit_count; i++)
        if (group->habits[i].owner == owner)
            return &group->habits[i];
    return NULL;
}

static void learn_net(struct pm_balance_group *group, u32 owner, i64 net)
{
    const i64 most = PM_BALANCE_NETS - 1 - PM_BALANCE_NET_ZERO;
    u32 i = 0;

    while (i < group->habit_count && group->habits[i].owner != owner)
        i++;
    if (i == group->habit_count) {
        if ((i & (i - 1)) == 0)     /* room doubles at each power of two */
            group->habits = pm_realloc("pm.balance", group->habits,
                                       (i == 0 ? 1 : i * 2) * sizeof *group->habits);
        group->habits[i] = (struct pm_balance_habit){ .owner = owner };
        group->habit_count++;
    }
    if (net > most)
        net = most;
    if (net < -(i64)PM_BALANCE_NET_ZERO)
        net = -(i64)PM_BALANCE_NET_ZERO;
    group->habits[i].nets[net + PM_BALANCE_NET_ZERO]++;
}

static void learn(struct pm_balance *balance, u32 index)
{
    const struct pm_balance_object *object = &balance->objects[index];
    struct pm_balance_group *group = &balance->groups[object->group];
    const i64 *nets = pm_balance_nets(balance, index);

    for (u32 i = 0; i < object->tally_count; i++) {
        const u32 owner = balance->places[object->tallies[i].place].owner;
        bool met = false;
        for (u32 j = 0; j < i && !met; j++)
            met = balance->places[object->tallies[j].place].owner == owner;
        if (!met)
            learn_net(group, owner, nets[owner]);
    }
    group->died++;
}

void pm_balance_end(struct pm_balance *balance, u32 index, bool died)
{
    struct pm_balance_object *object = &balance->objects[index];

    PM_ASSERT(object->address != 0);
    if (died && !object->lost_changes && object->opening == 0 && object->unseen == 0)
        learn(balance, index);
    balance->tally_bytes -= bytes_of(object->tally_capacity);
    release_tallies(object);
    *object = (struct pm_balance_object){ .next_free = balance->free_object };
    balance->free_object = index + 1;
    balance->ended++;
    balance->live--;
}

i64 pm_balance_usual_net(const struct pm_balance_group *group, u32 owner)
{
    const struct pm_balance_habit *habit = pm_balance_habit(group, owner);
    u64 counts[PM_BALANCE_NETS], seen = 0;
    i64 usual = 0;

    if (habit == NULL)
        return 0;
    for (u32 i = 0; i < PM_BALANCE_NETS; i++) {
        counts[i] = habit->nets[i];
        seen += counts[i];
    }
    counts[PM_BALANCE_NET_ZERO] += group->died - seen;
    for (i64 distance = 1; distance <= PM_BALANCE_NET_ZERO; distance++)
        for (i64 sign = -1; sign <= 1; sign += 2) {
            const i64 net = sign * distance;
            if (counts[net + PM_BALANCE_NET_ZERO] > counts[usual + PM_BALANCE_NET_ZERO])
                usual = net;
        }
    return usual;
}
