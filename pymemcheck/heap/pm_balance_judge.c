/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heap/pm_balance_judge.h"

#include "base/pm_platform.h"
#include "base/pm_sort.h"

void pm_balance_case_init(struct pm_balance_case *the_case)
{
    *the_case = (struct pm_balance_case){ 0 };
}

void pm_balance_case_release(struct pm_balance_case *the_case)
{
    pm_free(the_case->suspects);
    *the_case = (struct pm_balance_case){ 0 };
}

void pm_balance_case_add(struct pm_balance_case *the_case, u32 object, u64 pointers)
{
    if (the_case->count == the_case->capacity) {
        the_case->capacity = the_case->capacity > 0 ? the_case->capacity * 2 : 8;
        the_case->suspects = pm_realloc("pm.balance", the_case->suspects,
                                        the_case->capacity * sizeof *the_case->suspects);
    }
    the_case->suspects[the_case->count++] = (struct pm_balance_suspect){ object, pointers };
}

void pm_balance_verdict_release(struct pm_balance_verdict *verdict)
{
    pm_free(verdict->rows);
    pm_free(verdict->explained);
    pm_free(verdict->lines);
    *verdict = (struct pm_balance_verdict){ 0 };
}

/* What is known of an owner while a case is judged. */
struct account {
    i64 left;                   /* sum of what remains of the nets */
    u64 explained;              /* by pointers */
    u64 leaked_with;
    u64 taken, given;
    bool met;
};

struct judging {
    struct pm_balance *balance;
    const struct pm_balance_case *the_case;
    struct pm_balance_verdict *verdict;
    struct account *accounts;   /* by owner */
    i64 *usual;                 /* by owner, of the group usual_of */
    u32 usual_of;
    bool *group_met;
    u64 *amounts, *surplus;     /* by place */
    struct at_line *at_lines;   /* of owners that were met */
    u32 at_line_count;
};

static int compare(u64 a, u64 b)
{
    return (a > b) - (a < b);
}

static enum pm_balance_role role_of(const struct judging *judging, u32 owner)
{
    return judging->balance->owners[owner].role;
}

static void learn_usual(struct judging *judging, u32 group)
{
    const struct pm_balance *balance = judging->balance;

    if (!judging->group_met[group]) {
        judging->group_met[group] = true;
        judging->verdict->died += balance->groups[group].died;
    }
    if (judging->usual_of == group)
        return;
    judging->usual_of = group;
    for (u32 owner = 0; owner < balance->owner_count; owner++)
        judging->usual[owner] = pm_balance_usual_net(&balance->groups[group], owner);
}

/* Takes what pointers explain out of what is left of the nets of owners with a role. Returns the pointers that remain. */
static u64 explain_role(struct judging *judging, i64 *left, u64 pointers, enum pm_balance_role role)
{
    for (u32 owner = 0; owner < judging->balance->owner_count && pointers > 0; owner++) {
        if (left[owner] <= 0 || role_of(judging, owner) != role)
            continue;
        const u64 here = (u64)left[owner] < pointers ? (u64)left[owner] : pointers;
        left[owner] -= (i64)here;
        pointers -= here;
        judging->accounts[owner].explained += here;
    }
    return pointers;
}

/* What owners gave back of the references that are older than the watch: calls that were under way then are most likely. */
static void give_back_older(struct judging *judging, i64 *left, i64 older)
{
    static const enum pm_balance_role order[] = {
        PM_BALANCE_INTERPRETER, PM_BALANCE_CONTAINER, PM_BALANCE_EXTENSION,
    };

    for (size_t i = 0; i < PM_ARRAY_LENGTH(order); i++)
        for (u32 owner = 0; owner < judging->balance->owner_count && older > 0; owner++) {
            if (left[owner] >= 0 || role_of(judging, owner) != order[i])
                continue;
            const i64 here = -left[owner] < older ? -left[owner] : older;
            left[owner] += here;
            older -= here;
        }
}

/* Takes the references that pointers explain out of what is left of the object's nets: first those of containers, then those
   that are older than the watch. */
static void explain(struct judging *judging, i64 *left, u64 pointers, i64 older)
{
    pointers = explain_role(judging, left, pointers, PM_BALANCE_CONTAINER);
    const u64 held = older < 0 ? 0 : (u64)older < pointers ? (u64)older : pointers;
    pointers = explain_role(judging, left, pointers - held, PM_BALANCE_INTERPRETER);
    explain_role(judging, left, pointers, PM_BALANCE_EXTENSION);
    give_back_older(judging, left, older - (i64)held);
}

static void add_suspect(struct judging *judging, const struct pm_balance_suspect *suspect, i64 *left)
{
    struct pm_balance *balance = judging->balance;
    struct pm_balance_verdict *verdict = judging->verdict;
    const struct pm_balance_object *object = &balance->objects[suspect->object];
    const i64 *nets = pm_balance_nets(balance, suspect->object);

    learn_usual(judging, object->group);
    for (u32 i = 0; i < object->tally_count; i++) {
        const struct pm_balance_place *place = &balance->places[object->tallies[i].place];
        struct account *account = &judging->accounts[place->owner];
        account->met = true;
        account->taken += place->up ? object->tallies[i].amount : 0;
        account->given += place->up ? 0 : object->tallies[i].amount;
        judging->amounts[object->tallies[i].place] += object->tallies[i].amount;
    }
    for (u32 owner = 0; owner < balance->owner_count; owner++)
        left[owner] = nets[owner] - judging->usual[owner];
    explain(judging, left, suspect->pointers, object->opening);
    for (u32 owner = 0; owner < balance->owner_count; owner++) {
        judging->accounts[owner].left += left[owner];
        judging->accounts[owner].leaked_with += judging->the_case->too_few ? left[owner] < 0 : left[owner] > 0;
    }
    verdict->objects++;
    verdict->references += object->count;
    verdict->opening += object->opening;
    verdict->unseen += object->unseen;
    verdict->lost_changes |= object->lost_changes;
    verdict->pointers += suspect->pointers;
}

/* --- Cancelling --- */

/* What an owner took and did not give back at a line of Python, of all objects of the case. */
struct at_line {
    u32 owner, python;
    i64 net;
};

static int by_owner_and_line(const void *context, u32 a, u32 b)
{
    const struct pm_balance_place *places = context, *x = &places[a], *y = &places[b];

    return x->owner != y->owner ? compare(x->owner, y->owner)
        : x->python.v != y->python.v ? compare(x->python.v, y->python.v) : compare(a, b);
}

/* Fills judging->at_lines, by owner and then by line. */
static void collect_lines(struct judging *judging)
{
    const struct pm_balance_place *places = judging->balance->places;
    const u32 all = judging->balance->place_count;
    u32 *order = pm_alloc("pm.balance", ((u64)all + 1) * sizeof *order), count = 0;

    for (u32 place = 0; place < all; place++)
        if (judging->amounts[place] > 0)
            order[count++] = place;
    pm_sort_u32(order, count, by_owner_and_line, places);
    judging->at_lines = pm_alloc("pm.balance", ((u64)count + 1) * sizeof *judging->at_lines);
    for (u32 i = 0; i < count; i++) {
        const struct pm_balance_place *place = &places[order[i]];
        const i64 amount = (i64)judging->amounts[order[i]];
        struct at_line *last = judging->at_line_count > 0 ? &judging->at_lines[judging->at_line_count - 1] : NULL;
        if (last == NULL || last->owner != place->owner || last->python != place->python.v) {
            last = &judging->at_lines[judging->at_line_count++];
            *last = (struct at_line){ place->owner, place->python.v, 0 };
        }
        last->net += place->up ? amount : -amount;
    }
    pm_free(order);
}

/* The lines of an owner; returns their number. */
static u32 lines_of(const struct judging *judging, u32 owner, const struct at_line **first)
{
    u32 low = 0, high = judging->at_line_count, count = 0;

    while (low < high) {
        const u32 middle = low + (high - low) / 2;
        if (judging->at_lines[middle].owner < owner)
            low = middle + 1;
        else
            high = middle;
    }
    *first = &judging->at_lines[low];
    while (low + count < judging->at_line_count && (*first)[count].owner == owner)
        count++;
    return count;
}

/* How much one owner took at the lines at which another gave as much back. */
static i64 at_same_lines(const struct judging *judging, u32 taker, u32 giver)
{
    const struct at_line *taken, *given;
    const u32 taken_count = lines_of(judging, taker, &taken), given_count = lines_of(judging, giver, &given);
    i64 sum = 0;

    for (u32 i = 0, j = 0; i < taken_count && j < given_count;) {
        if (taken[i].python != given[j].python) {
            *(taken[i].python < given[j].python ? &i : &j) += 1;
            continue;
        }
        if (taken[i].net > 0 && given[j].net < 0)
            sum += taken[i].net < -given[j].net ? taken[i].net : -given[j].net;
        i++;
        j++;
    }
    return sum;
}

/* What of owners is cancelled. */
enum cancelled {
    NOT_MET,                    /* takers that have references only by comparison */
    SAME_LINE,                  /* of one ELF object, what they did at the same lines of Python */
    SAME_OBJECT,                /* of one ELF object: one of its functions makes what another one returns */
    ALL,
};

/* How many references at most. */
static i64 may_cancel(const struct judging *judging, u32 taker, u32 giver, enum cancelled what)
{
    const struct pm_balance_owner *owners = judging->balance->owners;
    const bool same_object = owners[taker].object.v != 0 && owners[taker].object.v == owners[giver].object.v;

    switch (what) {
    case SAME_LINE:
        return same_object ? at_same_lines(judging, taker, giver) : 0;
    case SAME_OBJECT:
        return same_object ? INT64_MAX : 0;
    case NOT_MET:
        return judging->accounts[taker].met ? 0 : INT64_MAX;
    case ALL:
        break;
    }
    return INT64_MAX;
}

/* Cancels what owners of one role took with what those of another gave back for them. */
static void cancel(struct judging *judging, enum pm_balance_role takers, enum pm_balance_role givers,
                   enum cancelled what)
{
    struct account *accounts = judging->accounts;
    const u32 count = judging->balance->owner_count;

    for (u32 taker = 0; taker < count; taker++)
        for (u32 giver = 0; giver < count && accounts[taker].left > 0 && role_of(judging, taker) == takers; giver++) {
            if (accounts[giver].left >= 0 || role_of(judging, giver) != givers)
                continue;
            const i64 taken = accounts[taker].left, given = -accounts[giver].left;
            const i64 most = may_cancel(judging, taker, giver, what), least = taken < given ? taken : given;
            const i64 both = least < most ? least : most;
            accounts[taker].left -= both;
            accounts[giver].left += both;
        }
}

static void cancel_all(struct judging *judging)
{
    static const enum pm_balance_role order[][2] = {
        { PM_BALANCE_INTERPRETER, PM_BALANCE_INTERPRETER },
        { PM_BALANCE_CONTAINER, PM_BALANCE_CONTAINER },
        { PM_BALANCE_INTERPRETER, PM_BALANCE_CONTAINER },
        { PM_BALANCE_CONTAINER, PM_BALANCE_INTERPRETER },
        { PM_BALANCE_EXTENSION, PM_BALANCE_EXTENSION },
        { PM_BALANCE_INTERPRETER, PM_BALANCE_EXTENSION },
        { PM_BALANCE_CONTAINER, PM_BALANCE_EXTENSION },
        { PM_BALANCE_EXTENSION, PM_BALANCE_CONTAINER },
        { PM_BALANCE_EXTENSION, PM_BALANCE_INTERPRETER },
    };

    for (size_t i = 0; i < PM_ARRAY_LENGTH(order); i++) {
        cancel(judging, order[i][0], order[i][1], NOT_MET);
        cancel(judging, order[i][0], order[i][1], SAME_LINE);
        cancel(judging, order[i][0], order[i][1], SAME_OBJECT);
        cancel(judging, order[i][0], order[i][1], ALL);
    }
}

/* Objects that died with more (or fewer) references of the owner than usual. */
static u64 died_with(const struct judging *judging, u32 owner)
{
    const struct pm_balance *balance = judging->balance;
    u64 count = 0;

    for (u32 group = 0; group < balance->group_count; group++) {
        const struct pm_balance_habit *habit = judging->group_met[group]
            ? pm_balance_habit(&balance->groups[group], owner) : NULL;
        if (habit == NULL)
            continue;
        const i64 usual = pm_balance_usual_net(&balance->groups[group], owner);
        for (i64 i = 0; i < PM_BALANCE_NETS; i++)
            if (judging->the_case->too_few ? i - PM_BALANCE_NET_ZERO < usual : i - PM_BALANCE_NET_ZERO > usual)
                count += habit->nets[i];
    }
    return count;
}

/* By owner, and those that took first. */
static int by_owner(const struct pm_balance_place *x, const struct pm_balance_place *y)
{
    return x->owner != y->owner ? compare(x->owner, y->owner) : (int)y->up - (int)x->up;
}

/* What a report shows of a place: its native frame and its Python frame. */
static int by_look(const struct pm_balance_place *x, const struct pm_balance_place *y)
{
    const int order = by_owner(x, y);

    if (order != 0 || x->shown.v != y->shown.v)
        return order != 0 ? order : compare(x->shown.v, y->shown.v);
    return compare(x->python.v, y->python.v);
}

static int by_owner_and_look(const void *context, u32 a, u32 b)
{
    const struct judging *judging = context;
    const int order = by_look(&judging->balance->places[a], &judging->balance->places[b]);

    return order != 0 ? order : compare(a, b);
}

static int by_owner_and_surplus(const void *context, u32 a, u32 b)
{
    const struct judging *judging = context;
    const int order = by_owner(&judging->balance->places[a], &judging->balance->places[b]);

    if (order != 0 || judging->surplus[a] != judging->surplus[b])
        return order != 0 ? order : compare(judging->surplus[b], judging->surplus[a]);
    return judging->amounts[a] != judging->amounts[b] ? compare(judging->amounts[b], judging->amounts[a]) : compare(a, b);
}

/* By owner, function and line of Python. */
static int by_function(const void *context, u32 a, u32 b)
{
    const struct judging *judging = context;
    const struct pm_balance_place *x = &judging->balance->places[a], *y = &judging->balance->places[b];

    if (x->owner != y->owner || x->function.v != y->function.v)
        return x->owner != y->owner ? compare(x->owner, y->owner) : compare(x->function.v, y->function.v);
    return x->python.v != y->python.v ? compare(x->python.v, y->python.v) : compare(a, b);
}

/* The end of the places from start on that have the same owner and function, and same_line: line of Python. *net: what was taken
   there and not given back. */
static u32 end_of_run(const struct judging *judging, const u32 *order, u32 count, u32 start, bool same_line, i64 *net)
{
    const struct pm_balance_place *places = judging->balance->places, *first = &places[order[start]];
    u32 end = start;

    *net = 0;
    for (; end < count; end++) {
        const struct pm_balance_place *place = &places[order[end]];
        if (place->owner != first->owner || place->function.v != first->function.v
                || (same_line && place->python.v != first->python.v))
            break;
        *net += place->up ? (i64)judging->amounts[order[end]] : -(i64)judging->amounts[order[end]];
    }
    return end;
}

/* What the place's owner took at its line and did not give back. */
static i64 net_at_line(const struct judging *judging, const struct pm_balance_place *place)
{
    const struct at_line *lines;
    const u32 count = lines_of(judging, place->owner, &lines);

    for (u32 i = 0; i < count; i++)
        if (lines[i].python == place->python.v)
            return lines[i].net;
    return 0;
}

/* What of a place's amount was not undone: the least of these nets, and no more than it has. */
static u64 surplus_of(const struct judging *judging, u32 place, i64 function_net, i64 function_line_net, i64 line_net)
{
    const i64 sign = judging->balance->places[place].up ? 1 : -1;
    const i64 nets[] = { sign * function_net, sign * function_line_net, sign * line_net };
    i64 least = (i64)judging->amounts[place];

    for (size_t i = 0; i < PM_ARRAY_LENGTH(nets); i++)
        least = nets[i] < least ? nets[i] : least;
    return least > 0 ? (u64)least : 0;
}

static void find_surplus(struct judging *judging, u32 *order, u32 count)
{
    i64 function_net, function_line_net;

    pm_sort_u32(order, count, by_function, judging);
    for (u32 start = 0, end; start < count; start = end) {
        end = end_of_run(judging, order, count, start, false, &function_net);
        for (u32 at = start, next; at < end; at = next) {
            next = end_of_run(judging, order, end, at, true, &function_line_net);
            const i64 line_net = net_at_line(judging, &judging->balance->places[order[at]]);
            for (u32 i = at; i < next; i++)
                judging->surplus[order[i]] = surplus_of(judging, order[i], function_net, function_line_net, line_net);
        }
    }
}

/* Lists the places of the case by owner, those that took first, the largest surplus first. Stacks that look the same in a
   report are one. */
static void list_places(struct judging *judging)
{
    const struct pm_balance_place *places = judging->balance->places;
    const u32 all = judging->balance->place_count;
    u32 *order = pm_alloc("pm.balance", ((u64)all + 1) * sizeof *order), count = 0, merged = 0;

    for (u32 place = 0; place < all; place++)
        if (judging->amounts[place] > 0)
            order[count++] = place;
    pm_sort_u32(order, count, by_owner_and_look, judging);
    for (u32 i = 0; i < count; i++) {
        if (merged > 0 && by_look(&places[order[merged - 1]], &places[order[i]]) == 0)
            judging->amounts[order[merged - 1]] += judging->amounts[order[i]];
        else
            order[merged++] = order[i];
    }
    find_surplus(judging, order, merged);
    pm_sort_u32(order, merged, by_owner_and_surplus, judging);
    judging->verdict->lines = pm_alloc("pm.balance", ((u64)merged + 1) * sizeof *judging->verdict->lines);
    judging->verdict->line_count = merged;
    for (u32 i = 0; i < merged; i++)
        judging->verdict->lines[i] = (struct pm_balance_line){
            order[i], judging->amounts[order[i]], judging->surplus[order[i]],
        };
    pm_free(order);
}

/* Where the row's owner does the opposite in other objects. */
static void find_usual(const struct judging *judging, struct pm_balance_row *row, bool up)
{
    const struct pm_balance *balance = judging->balance;

    for (u32 place = 0; place < balance->place_count; place++)
        if (balance->places[place].owner == row->owner && balance->places[place].up == up
                && balance->places[place].changes > row->usual.amount) {
            row->kept = true;
            row->usual = (struct pm_balance_line){ .place = place, .amount = balance->places[place].changes };
        }
}

/* The row of an owner, with its places of one sign. */
static struct pm_balance_row row_of(const struct judging *judging, u32 owner, u64 references, bool up)
{
    const struct pm_balance_verdict *verdict = judging->verdict;
    const struct account *account = &judging->accounts[owner];
    struct pm_balance_row row = {
        .owner = owner,
        .references = references,
        .taken = account->taken,
        .given = account->given,
        .leaked_with = account->leaked_with,
        .died_with = died_with(judging, owner),
    };

    for (u32 i = 0; i < verdict->line_count; i++) {
        const struct pm_balance_place *place = &judging->balance->places[verdict->lines[i].place];
        if (place->owner != owner || place->up != up)
            continue;
        if (row.line_count++ == 0)
            row.lines = &verdict->lines[i];
    }
    if (row.line_count == 0)
        find_usual(judging, &row, !up);
    return row;
}

/* Extensions before the interpreter; owners of which no object that died has as much; more references. */
static int by_suspicion(const void *context, u32 a, u32 b)
{
    const struct judging *judging = ((const void *const *)context)[0];
    const struct pm_balance_row *rows = ((const void *const *)context)[1];
    const struct pm_balance_row *x = &rows[a], *y = &rows[b];
    const enum pm_balance_role first = role_of(judging, x->owner), second = role_of(judging, y->owner);

    if ((x->died_with == 0) != (y->died_with == 0))
        return x->died_with == 0 ? -1 : 1;
    if (first != second)
        return first < second ? -1 : 1;
    if (x->references != y->references)
        return x->references > y->references ? -1 : 1;
    return (a > b) - (a < b);
}

static void sort_rows(const struct judging *judging, struct pm_balance_row *rows, u32 count)
{
    const void *context[] = { judging, rows };
    u32 *order = pm_alloc("pm.balance", ((u64)count + 1) * sizeof *order);
    struct pm_balance_row *sorted = pm_alloc("pm.balance", ((u64)count + 1) * sizeof *sorted);

    for (u32 i = 0; i < count; i++)
        order[i] = i;
    pm_sort_u32(order, count, by_suspicion, context);
    for (u32 i = 0; i < count; i++)
        sorted[i] = rows[order[i]];
    for (u32 i = 0; i < count; i++)
        rows[i] = sorted[i];
    pm_free(order);
    pm_free(sorted);
}

static void make_rows(struct judging *judging)
{
    struct pm_balance_verdict *verdict = judging->verdict;
    const u32 owners = judging->balance->owner_count;
    const bool too_few = judging->the_case->too_few;

    verdict->rows = pm_alloc("pm.balance", ((u64)owners + 1) * sizeof *verdict->rows);
    verdict->explained = pm_alloc("pm.balance", ((u64)owners + 1) * sizeof *verdict->explained);
    for (u32 owner = 0; owner < owners; owner++) {
        const struct account *account = &judging->accounts[owner];
        const i64 left = too_few ? -account->left : account->left;
        const bool open = left > 0;
        if (open)
            verdict->rows[verdict->row_count++] = row_of(judging, owner, (u64)left, !too_few);
        if (account->explained > 0)
            verdict->explained[verdict->explained_count++] = row_of(judging, owner, account->explained, true);
        if (open || account->explained > 0)
            continue;
        verdict->balanced_up += account->taken;
        verdict->balanced_down += account->given;
    }
    for (u32 i = 0; i < verdict->line_count; i++) {
        const struct account *account = &judging->accounts[judging->balance->places[verdict->lines[i].place].owner];
        verdict->balanced_places += (too_few ? account->left >= 0 : account->left <= 0) && account->explained == 0;
    }
    sort_rows(judging, verdict->rows, verdict->row_count);
    sort_rows(judging, verdict->explained, verdict->explained_count);
}

void pm_balance_judge(struct pm_balance *balance, const struct pm_balance_case *the_case,
                      struct pm_balance_verdict *verdict)
{
    const u64 owners = (u64)balance->owner_count + 1;
    struct judging judging = {
        .balance = balance,
        .the_case = the_case,
        .verdict = verdict,
        .accounts = pm_alloc_zero("pm.balance", owners * sizeof *judging.accounts),
        .usual = pm_alloc("pm.balance", owners * sizeof *judging.usual),
        .usual_of = UINT32_MAX,
        .group_met = pm_alloc_zero("pm.balance", ((u64)balance->group_count + 1) * sizeof *judging.group_met),
        .amounts = pm_alloc_zero("pm.balance", ((u64)balance->place_count + 1) * sizeof *judging.amounts),
        .surplus = pm_alloc_zero("pm.balance", ((u64)balance->place_count + 1) * sizeof *judging.surplus),
    };
    i64 *left = pm_alloc("pm.balance", owners * sizeof *left);

    *verdict = (struct pm_balance_verdict){
        .too_few = the_case->too_few,
        .group = the_case->count > 0 ? balance->objects[the_case->suspects[0].object].group : 0,
    };
    for (u32 i = 0; i < the_case->count; i++)
        add_suspect(&judging, &the_case->suspects[i], left);
    collect_lines(&judging);
    cancel_all(&judging);
    list_places(&judging);
    make_rows(&judging);
    pm_free(left);
    pm_free(judging.accounts);
    pm_free(judging.usual);
    pm_free(judging.group_met);
    pm_free(judging.amounts);
    pm_free(judging.surplus);
    pm_free(judging.at_lines);
}
