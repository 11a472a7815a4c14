/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Until something may be watched, the watch sleeps: stores are not tested, and new objects are not looked at.
   This file finds the moment to wake up. Then translated code is made anew (pm_watch_code_wake).

   What wakes it depends on the rule:

   - line:, birth: and a fingerprint, the first block that is born so (a fingerprint tells the function of Python);
   - type:, the first class of such a name. Classes made at run time lie in new blocks. Those in static memory have
     their names in an object file, which is searched before its code runs;
   - object: and asked, the object;
   - type: with a wildcard: the first frame of Python.

   Never before that: whether code is the interpreter's or an extension's is known only then.

   Waking up for nothing is harmless. So names are compared up to the last dot only, and what is compared
   need not be the name of a class. */
#ifndef PM_WATCH_WAKE_H
#define PM_WATCH_WAKE_H

#include "base/pm_map.h"
#include "base/pm_types.h"
#include "heap/pm_events.h"

struct pm_run;

/* A new block that is large enough for a class, whose name is not there yet. */
struct pm_watch_new_class {
    u64 block;                  /* 0: the entry is free */
    bool padded;                /* by a debug hook */
    u32 looks;
};

enum { PM_WATCH_NEW_CLASSES = 4 };

struct pm_watch_wake {
    bool awake;
    bool due;                   /* wakes as soon as the interpreter is known */
    bool classes;               /* there are rules type: */
    bool births;                /* there are rules line: or birth:, or fingerprints */
    bool scanned;               /* for blocks older than the first frame */
    struct pm_watch_new_class new_classes[PM_WATCH_NEW_CLASSES];
    u32 new_class_count, next_new_class;
    struct pm_map stacks;       /* stack -> whether such a rule may choose what is born there */
    struct pm_map searched;     /* segments of object files that were searched */
    u32 epoch;                  /* of the core's list of object files, when it was searched */
};

/* Falls asleep. After the options. */
void pm_watch_wake_init(struct pm_run *run);

void pm_watch_wake_up(struct pm_run *run);

/* While asleep: an event of a known interpreter. Returns whether the watch is awake now; then the event counts. */
bool pm_watch_wake_on_event(struct pm_run *run, const struct pm_event *event);

/* While asleep: code is about to be translated, perhaps of an object file that was just loaded. */
void pm_watch_wake_on_code(struct pm_run *run);

#endif
