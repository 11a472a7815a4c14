/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The balance of reference counts: for each watched object, who took references to it and who gave them
   back.

   A *place* is a stack at which counts went up, or one at which they went down. An object keeps a number for
   each place, not for each change, so a million changes take no more memory than a thousand.

   Each place has an *owner*: whoever has the reference after it was taken, or had it before it was given back.
   That is a C function of an extension, a kind of container, or the interpreter's evaluation. The caller
   decides, as heap/ knows no functions of CPython. An object's *net* at an owner is what that owner took
   and did not give back.

   A reference may change its owner while the count stays: a function of an extension returns it to the interpreter, or
   gets it from Python code that it called. That is a *transfer*, with a place for each of the two.

   Objects of one *group* have the same type and were born at the same line. Of those that died, a group keeps how
   often each net occurred at each owner. They are what leaked objects are compared with
   (pm_balance_judge.h).

   Order of calls: pm_balance_init; for each object pm_balance_watch, pm_balance_change, pm_balance_end; release.
   Cost of a change: one look-up among the object's places. Memory: 8 bytes for each place of a living object (40 if it
   has many), at most the limit given to init. Beyond the limit counts stay right, and lost_changes tells what is missing. */
#ifndef PM_BALANCE_H
#define PM_BALANCE_H

#include "base/pm_map.h"
#include "base/pm_strings.h"
#include "base/pm_types.h"
#include "heap/pm_frames.h"
#include "heap/pm_stacks.h"

enum pm_balance_role {
    PM_BALANCE_EXTENSION,       /* a function that does not belong to the interpreter */
    PM_BALANCE_INTERPRETER,     /* a function of the interpreter */
    PM_BALANCE_CONTAINER,       /* dicts, lists ... : a container took it, and its deallocator gives it back */
    PM_BALANCE_ROLES,
};

struct pm_balance_owner {
    struct pm_string_id name;       /* "lk.so`keep", "dict", "evaluation": equal names are one owner */
    enum pm_balance_role role;
    struct pm_string_id object;     /* of an extension: its ELF object */
    struct pm_frame_id shown;       /* the native frame that shows the place best; kind and all 0: none */
    struct pm_frame_id python;      /* innermost Python frame; likewise */
    struct pm_string_id function;   /* of shown */
    bool has_shown, has_python;
};

/* Why an owner has one reference more, or less. */
enum pm_balance_how {
    PM_BALANCE_CHANGE,          /* the count changed */
    PM_BALANCE_BIRTH,           /* the object was made */
    PM_BALANCE_TRANSFER,        /* the reference went from one owner to another: whose place it is */
    PM_BALANCE_COUNTERPART,     /* ... and the other one */
};

struct pm_balance_place {
    struct pm_stack_id stack;
    enum pm_balance_how how;
    bool up;                    /* the count went up */
    u32 owner;                  /* index in owners */
    struct pm_frame_id shown, python;
    struct pm_string_id function;   /* of shown */
    bool has_shown, has_python;
    u64 changes;                /* by how much, over all objects */
};

/* A place of an object, and by how much its count changed there. */
struct pm_balance_tally {
    u32 place, amount;
};

struct pm_balance_object {
    u64 address;                /* 0: the entry is free */
    struct pm_stack_id birth;
    u32 group;
    u32 next_free;
    i64 opening;                /* the count when it began to be watched; 0 if it was born then */
    i64 count;                  /* now, as the changes say */
    i64 unseen;                 /* changes that were met later: no store was seen */
    u64 up, down;               /* all changes */
    bool lost_changes;          /* some are in no tally: there was no room */
    struct pm_balance_tally *tallies;
    u32 tally_count, tally_capacity;
    struct pm_map *by_place;    /* place -> index in tallies, of an object with many; else NULL */
};

/* Nets that are told apart: -4 or less ... 4 or more. */
enum { PM_BALANCE_NETS = 9, PM_BALANCE_NET_ZERO = 4 };

/* Of one owner in one group: how many objects that died had each net. Those in which the owner
   never occurred are not counted. */
struct pm_balance_habit {
    u32 owner;
    u64 nets[PM_BALANCE_NETS];
};

struct pm_balance_group {
    struct pm_string_id type;
    struct pm_stack_id birth;       /* of the first one */
    u64 born, died;
    struct pm_balance_habit *habits;
    u32 habit_count;
};

struct pm_balance {
    u64 limit_bytes;            /* for all tallies */
    u64 tally_bytes;
    struct pm_balance_place *places;
    u32 place_count, place_capacity;
    struct pm_map by_stack;     /* stack, sign and reason -> place */
    struct pm_balance_owner *owners;
    u32 owner_count, owner_capacity;
    struct pm_map by_name;      /* an owner's name and role -> owner */
    struct pm_balance_object *objects;
    u32 object_count, object_capacity;      /* with free entries */
    u32 free_object;            /* index + 1; 0: none */
    struct pm_balance_group *groups;
    u32 group_count, group_capacity;
    struct pm_map by_birth;     /* birth line and type -> group */
    u64 watched, ended, live;   /* objects */
    u64 changes;                /* sum of all amounts */
    u64 unseen_changes;
    u64 lost_changes;           /* that are in no tally, as limit_bytes was reached */
    i64 *nets;                  /* scratch, by owner */
    u32 nets_capacity;
};

enum { PM_BALANCE_NO_PLACE = UINT32_MAX };

void pm_balance_init(struct pm_balance *balance, u64 limit_bytes);
void pm_balance_release(struct pm_balance *balance);

/* The place of a stack, sign and reason, or PM_BALANCE_NO_PLACE if it was never met: then pm_balance_add_place. */
u32 pm_balance_find_place(const struct pm_balance *balance, struct pm_stack_id stack, enum pm_balance_how how, bool up);
u32 pm_balance_add_place(struct pm_balance *balance, struct pm_stack_id stack, enum pm_balance_how how, bool up,
                         const struct pm_balance_owner *owner);

/* The group of objects that were born at line, which is any number that stands for it. */
u32 pm_balance_group(struct pm_balance *balance, u64 line, struct pm_string_id type, struct pm_stack_id birth);

/* Begins to watch an object. Returns its index, which is used again after pm_balance_end. */
u32 pm_balance_watch(struct pm_balance *balance, u64 address, u32 group, struct pm_stack_id birth, i64 opening);
/* The count went up or down at place. amount: at least 1. */
void pm_balance_change(struct pm_balance *balance, u32 object, u32 place, u64 amount);
/* A reference goes from one owner to another: a place that is up, and one that is not. */
void pm_balance_transfer(struct pm_balance *balance, u32 object, u32 to, u32 from);
/* The count was met changed by delta. */
void pm_balance_unseen(struct pm_balance *balance, u32 object, i64 delta);
/* The object died as it should: its group learns its nets. Or, if not, it is only forgotten. */
void pm_balance_end(struct pm_balance *balance, u32 object, bool died);

/* Sets nets[owner] of each owner for the object; owner_count entries, valid until the next call. */
const i64 *pm_balance_nets(struct pm_balance *balance, u32 object);

/* The entry of an owner in a group, or NULL: it never occurred in objects that died. */
const struct pm_balance_habit *pm_balance_habit(const struct pm_balance_group *group, u32 owner);
/* The commonest net of the owner in objects of the group that died; 0 if none died. Ties: nearest to 0. */
i64 pm_balance_usual_net(const struct pm_balance_group *group, u32 owner);

#endif
