/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Phases of the run that the program names: what was allocated while each was open.

   A phase is open from the first begin until the last end of its name, whatever thread makes them, and then
   counts what all threads allocate: so nothing counts twice where a phase is in itself, or in two
   threads. Each thread ends its own phases, the innermost first.

   Each time that a phase is open is a range of allocation serials. With these, pm_phases_settle finds what of a
   phase is still live: each live block is looked up once among the ends of all ranges.

   Cost: a look-up in a map for each begin and end; 24 bytes for each range. */
#ifndef PM_PHASES_H
#define PM_PHASES_H

#include "base/pm_map.h"
#include "base/pm_strings.h"
#include "base/pm_types.h"

enum {
    PM_PHASES_MOST = 1 << 16,           /* different names */
    PM_PHASES_MOST_OPEN = 1 << 12,      /* in all threads */
    PM_PHASES_MOST_RANGES = 1 << 20,    /* of all phases */
};

/* The run at one moment. */
struct pm_phase_figures {
    u64 serial;                         /* of the newest allocation */
    u64 allocs, frees, bytes;           /* so far */
    u64 live_bytes, live_blocks;
};

struct pm_phase {
    struct pm_string_id name;
    u64 times;                          /* it was begun */
    u32 open;                           /* begins without an end, so far */
    u64 first_serial, last_serial;      /* its allocations are in between; last: until now, if it is open */
    u64 allocs, frees, bytes;           /* while it was open */
    i64 grown_bytes, grown_blocks;      /* by which what is live grew while it was open */
    struct pm_phase_figures begin;      /* of the time that it was opened last */
    u64 live_bytes, live_blocks;        /* after pm_phases_settle: allocated while it was open, and live */
    bool live_known;                    /* false: it was open too often to tell */
};

struct pm_phases {
    struct pm_phase *entries;           /* in the order in which they were begun first */
    u32 count, capacity;
    struct pm_map by_name;              /* name -> place in entries */
    struct pm_phase_open {
        u32 phase, thread;
    } *open;                            /* the newest one last */
    u32 open_count, open_capacity;
    struct pm_phase_range {
        u64 first, last;                /* serials */
        u32 phase;
    } *ranges;
    u32 range_count, range_capacity;
};

void pm_phases_init(struct pm_phases *phases);
void pm_phases_release(struct pm_phases *phases);

/* False: there are too many. */
bool pm_phases_begin(struct pm_phases *phases, struct pm_string_id name, u32 thread,
                     const struct pm_phase_figures *now);
/* False, with nothing done, if name is not the innermost open phase of the thread. */
bool pm_phases_end(struct pm_phases *phases, struct pm_string_id name, u32 thread,
                   const struct pm_phase_figures *now);
/* Ends all phases of a thread; thread 0: of all threads. Returns how many were open. */
u32 pm_phases_end_thread(struct pm_phases *phases, u32 thread, const struct pm_phase_figures *now);
/* Ends those of all threads but one. */
void pm_phases_keep_thread(struct pm_phases *phases, u32 thread, const struct pm_phase_figures *now);
/* The innermost open phase of the thread; NULL: it has none. */
const struct pm_phase *pm_phases_innermost(const struct pm_phases *phases, u32 thread);

/* Brings the figures of open phases up to now, and finds what is live of each phase. each calls add_block
   for each live block, in any order. */
void pm_phases_settle(struct pm_phases *phases, const struct pm_phase_figures *now,
                      void (*each)(void *context, void (*add_block)(void *sums, u64 serial, u64 bytes),
                                   void *sums),
                      void *context);

#endif
