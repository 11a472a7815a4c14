/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which of the places at which references were taken is the culprit.

   The objects of a case are leaked, or have references too many or too few. Of each object's net at each owner
   (pm_balance.h) these are subtracted:

   1. what objects of its group that died usually have there: such references come back, even though somebody
      else gives them back;
   2. one for each pointer to the object that was found: it explains a reference;
   3. over all objects of the case, what owners took and others gave back for them. Containers and the interpreter pass
      references on to each other, so these come first. Functions of one extension do so first of all at the same line of Python:
      one makes what the other one returns.

   What remains is a row. Rows of extensions come first, then those with more references. Within a row, places come first
   that were not undone.

   Order of calls: pm_balance_case_init, pm_balance_case_add for each object, pm_balance_judge; release both. Objects must not
   change in between. Cost: the places of all objects, and owners times objects. */
#ifndef PM_BALANCE_JUDGE_H
#define PM_BALANCE_JUDGE_H

#include "heap/pm_balance.h"

/* An object of a case, as it is when the case is judged. */
struct pm_balance_suspect {
    u32 object;
    u64 pointers;               /* to it that were found */
};

struct pm_balance_case {
    struct pm_balance_suspect *suspects;
    u32 count, capacity;
    bool too_few;               /* references are missing: who gave too many back? */
};

void pm_balance_case_init(struct pm_balance_case *the_case);
void pm_balance_case_release(struct pm_balance_case *the_case);
void pm_balance_case_add(struct pm_balance_case *the_case, u32 object, u64 pointers);

/* A place and by how much the counts of all objects of the case changed there. */
struct pm_balance_line {
    u32 place;
    u64 amount;
    u64 surplus;                /* of it, what was not undone: neither by its function, there or at all, nor by its owner at
                                   this line of Python */
};

struct pm_balance_row {
    u32 owner;
    u64 references;             /* that remain: taken and not given back, or (too_few) the other way round */
    u64 taken, given;           /* there, of the objects of the case */
    u64 leaked_with;            /* so many objects of the case have some of these references */
    u64 died_with;              /* ... and so many of their groups that died had as many */
    const struct pm_balance_line *lines;    /* its places of the sign in question, the largest surplus first, then the largest
                                               amount; none if kept */
    u32 line_count;
    bool kept;                  /* the objects never met this owner's places of that sign: others took the references, and
                                   this one gave them back in objects that died. usual is where it
                                   does that most, with the amount of all objects */
    struct pm_balance_line usual;
};

struct pm_balance_verdict {
    bool too_few;
    u32 group;                  /* of the first object */
    u64 objects;                /* of the case */
    u64 died;                   /* objects of their groups that died as they should: 0: nothing to compare with */
    i64 references;             /* sum of counts */
    u64 pointers;               /* found */
    i64 opening;                /* sum of opening balances: nobody knows who took these */
    i64 unseen;                 /* sum of changes that were not seen when they were made */
    bool lost_changes;          /* there was no room for some places */
    struct pm_balance_row *rows;
    u32 row_count;
    struct pm_balance_row *explained;       /* by pointers; references, owner and lines are set */
    u32 explained_count;
    u64 balanced_places, balanced_up, balanced_down;
    struct pm_balance_line *lines;  /* of all places, by owner; rows have parts of it */
    u32 line_count;
    struct pm_string_id held_by;    /* set by the caller: what holds a pointer; "": not known */
    bool has_deallocator;           /* set by the caller: the objects are classes ... */
    struct pm_frame_id deallocator; /* ... and this function of an extension frees their instances */
};

void pm_balance_judge(struct pm_balance *balance, const struct pm_balance_case *the_case,
                      struct pm_balance_verdict *verdict);
void pm_balance_verdict_release(struct pm_balance_verdict *verdict);

#endif
