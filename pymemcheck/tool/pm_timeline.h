/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Snapshots over time: when they are taken. heap/pm_moments.h says what they hold and how they are thinned.

   With --snapshot-every= a listener of the events takes one whenever the program has allocated so many bytes, or
   made so many allocations: two runs that do the same have the same ones. With seconds it looks at the clock at
   every 256th allocation. Whenever snapshots were thinned, the distance doubles.

   With --snapshot-write=yes the profile is written at snapshots, too, so that a run which is killed leaves the
   last whole file. Writing takes at most a twentieth of the run: a snapshot that comes too soon after the last
   write does not write.

   Cost: nothing without the option and without requests. */
#ifndef PM_TIMELINE_H
#define PM_TIMELINE_H

#include "base/pm_types.h"
#include "heap/pm_moments.h"

struct pm_run;

struct pm_timeline {
    struct pm_moments moments;
    u64 distance, next;         /* in the unit of the option; next is counted from the start */
    u32 events;                 /* since the clock was looked at */
    u32 write_again_ms;         /* not earlier: milliseconds since the start */
    bool told_refused;
};

/* Call it once, after the options were read. */
void pm_timeline_begin(struct pm_run *run);

/* Takes a snapshot now. name: NULL or "" for none. Works without --snapshot-every=, too. False if there is no room
   for more, which the log says once. */
bool pm_timeline_take(struct pm_run *run, const char *name);

#endif
