/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads that asked not to be recorded (PYMEMCHECK_RECORDING of pymemcheck.h). What they allocate counts in all
   sums. It belongs to one site, whose stack says that recording was off, and gets no loss record. Nothing is
   paid while no thread asked. */
#ifndef PM_RECORDING_H
#define PM_RECORDING_H

#include "base/pm_types.h"
#include "heap/pm_sites.h"

struct pm_run;

struct pm_recording {
    u32 *depths;                /* by the core's number of the thread: how often it was switched off */
    u32 capacity;
    u32 threads_off;
    u32 site;                   /* pm_site_note of what is not recorded; 0: recording was never off */
};

/* False: it is on already, or was switched off far too often. */
bool pm_recording_switch(struct pm_run *run, u32 tid, bool on);
/* A thread ended. */
void pm_recording_thread_ends(struct pm_recording *recording, u32 tid);
/* In a fork child, only tid goes on. */
void pm_recording_forked(struct pm_recording *recording, u32 tid);

static inline bool pm_recording_is_off(const struct pm_recording *recording, u32 tid)
{
    return tid < recording->capacity && recording->depths[tid] > 0;
}

/* The site of what tid allocates at site. */
static inline struct pm_site_id pm_recording_site(const struct pm_recording *recording, u32 tid,
                                                  struct pm_site_id site)
{
    return __builtin_expect(recording->threads_off > 0, 0) && pm_recording_is_off(recording, tid)
        ? pm_noted_site(recording->site) : site;
}

/* Whether blocks of the site are recorded. */
static inline bool pm_recording_has(const struct pm_recording *recording, u32 site)
{
    return site != recording->site - 1 || recording->site == 0;
}

#endif
