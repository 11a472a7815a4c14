/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --watch-refs: every change of the reference counts of chosen objects, with the stack that made it.

   pm_watch_code.c puts a test before each store of the program that may change a count. pm_watch_births.c
   chooses objects when they are born. This file gets the stores and keeps heap/pm_balance.h. Both sleep until there may be an
   object to watch (pm_watch_wake.h).

   A change is the new value minus the old one, so no pattern of instructions need be known. Whatever the
   program stores, the sum of all changes is the count; what was stored in a way that is not seen (a system call,
   a store of 32 bytes) is met at the next store, and counted as unseen.

   Nothing of this runs, and no memory is taken, without the option. */
#ifndef PM_WATCH_H
#define PM_WATCH_H

#include "base/pm_map.h"
#include "base/pm_types.h"
#include "cpython/pm_object.h"
#include "heap/pm_balance.h"
#include "heap/pm_balance_judge.h"
#include "heap/pm_events.h"
#include "tool/watch/pm_watch_exceptions.h"
#include "tool/watch/pm_watch_wake.h"

struct pm_run;

/* A new block that may become a watched object: its header is written after malloc. */
struct pm_watch_pending {
    u64 block;                  /* address; 0: the entry is free */
    u64 bytes;                  /* 0, too */
    struct pm_stack_id birth;
    bool padded;                /* by a debug hook */
    u8 tries;                   /* stores to it that were of no object */
};

/* Nearly all objects have their headers before so many other blocks are allocated. What was not stored to until then waits
   longer: up to 3.11 the collector may run between an object's allocation and its birth. */
enum { PM_WATCH_NEW = 4, PM_WATCH_LATE = 28, PM_WATCH_PENDING = PM_WATCH_NEW + PM_WATCH_LATE };

/* What is known of a type. */
struct pm_watch_type {
    u64 type;                   /* address; 0: the entry is free */
    u64 known;
};

enum { PM_WATCH_RECENT_TYPES = 512, PM_WATCH_REFUSED = 4096 };

/* Beside an object of the balance. */
struct pm_watched {
    u64 count_address;          /* of its count; 0: not watched */
    u64 block;                  /* around it; 0: static memory */
    u32 revived_at;             /* place + 1 of a store that made 0 to 1: a new object, as the next event says,
                                   or the old one revived. 0: none waits */
    u32 taken_by;               /* owner + 1 of the extension that was the last to take a reference; 0: none */
    u32 taken_count;            /* references that it took since then, and did not give back */
    u64 taken_below;            /* the stack pointer when it took the last one */
};

struct pm_watch {
    bool on;
    bool scanned;               /* for objects older than the first frame */
    struct pm_watch_wake wake;
    struct pm_balance balance;
    struct pm_map counts;       /* address of a count -> object of the balance */
    struct pm_watched *watched; /* by object of the balance */
    u32 watched_capacity;
    struct pm_watch_pending pending[PM_WATCH_PENDING];
    u32 next_pending, next_late;
    u32 late_count;             /* of pending blocks behind the first PM_WATCH_NEW */
    struct pm_map types;        /* address of a type -> what is known of it */
    struct pm_watch_type recent_types[PM_WATCH_RECENT_TYPES];   /* the same, by a hash of the address */
    struct pm_map verdicts;     /* stack and type -> whether it is chosen */
    u64 refused[PM_WATCH_REFUSED];      /* recent keys of verdicts that choose nothing, by a hash; 0: the entry is free */
    struct pm_watch_fetch fetch;
    u32 unresolved_objects;     /* rules object: whose object was not found yet */
    u64 next_look_serial;       /* when to look for them again */
    bool judged;                /* others are set */
    const struct pm_balance_verdict **others;   /* of living objects that no loss record has */
    u32 other_count;
    u64 immortal;               /* watched objects that became immortal */
};

/* After the options. Does nothing without --watch-refs. */
void pm_watch_init(struct pm_run *run);

/* A store of bytes (4 or 8) at address, which translated code is about to make. */
void pm_watch_store(struct pm_run *run, u32 tid, u64 address, u64 value, u32 bytes);

/* The watched object at an address that is about to be returned, or PM_WATCH_NONE. One that is pending is looked at. */
u32 pm_watch_returned(struct pm_run *run, u64 object);

/* A function returns object, and the innermost frame of the thread is that of the extension that gives or gets the
   reference. given: it returns it to the interpreter; else it got it from what it called, whose frame was below
   stack_pointer. */
void pm_watch_return(struct pm_run *run, u32 tid, u32 object, bool given, u64 stack_pointer);

/* A function of an extension, whose stack was from, returned object to another one, which is the innermost frame of the
   thread now. If it was the last to take a reference, it passes that on. Else what it returns may be borrowed. */
void pm_watch_pass(struct pm_run *run, u32 object, struct pm_stack_id from, u32 tid, u64 stack_pointer);

/* Whether the count of object agrees with the program's memory; all changes so far were seen or met. */
bool pm_watch_agrees(struct pm_run *run, u32 object);

/* The watched object that begins at an address, or PM_WATCH_NONE. */
enum { PM_WATCH_NONE = UINT32_MAX };
u32 pm_watch_object_at(const struct pm_run *run, u64 object);

/* --- Between the files of this folder --- */

enum { PM_WATCH_HEADERS = 3 };

/* How many bytes before an object its block may start, ascending. padded: by a debug hook. Returns their number. */
u32 pm_watch_headers(const struct pm_run *run, bool padded, u64 bytes[PM_WATCH_HEADERS]);

/* The pending block around the address, or PM_WATCH_NONE. */
u32 pm_watch_pending_at(const struct pm_run *run, u64 count_address);

/* Watches the object whose count is at count_address. place: of its birth, which counts as the first reference;
   PM_BALANCE_NO_PLACE: it is older, and opening is its count. */
void pm_watch_begin(struct pm_run *run, u64 count_address, u64 block, struct pm_stack_id birth,
                    struct pm_string_id type, u32 place, i64 opening);
/* The same for an object that was found in memory. birth: the stack, if it is known. Nothing happens if it is watched already.
   False: it is immortal, so its count does not change. */
bool pm_watch_begin_older(struct pm_run *run, struct pm_objects *objects, const struct pm_object *object,
                          struct pm_stack_id birth);
/* It died as it should, or is only forgotten. */
void pm_watch_finish(struct pm_run *run, u32 object, bool died);

/* Compares the count with memory, and counts as unseen what differs. */
void pm_watch_meet(struct pm_run *run, u32 object);

/* The place of a stack, reason and sign. */
u32 pm_watch_place(struct pm_run *run, struct pm_stack_id stack, enum pm_balance_how how, bool up);

/* The stack of the thread now, for places. */
struct pm_stack_id pm_watch_capture(struct pm_run *run, u32 tid);

/* What the word at a count's address says; negative: immortal. */
i64 pm_watch_count_of(const struct pm_run *run, u64 word);

/* Births. The event must be of the run's events. */
void pm_watch_on_event(void *context, const struct pm_event *event);
/* Decides on a pending block now if an object with one reference is in it. */
void pm_watch_settle_if_born(struct pm_run *run, u32 index);
/* A store to the count of a pending block. Returns the object if it is watched now, and the store changes its
   count; else PM_WATCH_NONE. */
u32 pm_watch_pending_store(struct pm_run *run, u32 index, u64 count_address, i64 old, i64 new);

#endif
