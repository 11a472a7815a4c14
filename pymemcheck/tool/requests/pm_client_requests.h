/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The requests of pymemcheck.h: one function finds out which it is, and calls what carries it out. Those between the
   preloaded object and the tool are others (preload/pm_requests.h). */
#ifndef PM_CLIENT_REQUESTS_H
#define PM_CLIENT_REQUESTS_H

#include "base/pm_types.h"

struct pm_run;

/* Answers a request of thread tid; false if it is none of these. args[0] is its number, and its arguments follow. */
bool pm_client_requests_answer(struct pm_run *run, u32 tid, const u64 *args, u64 *answer);

/* Keeps what is live now under a name. An answer of pymemcheck.h. */
long pm_client_requests_snapshot(struct pm_run *run, const char *name);

/* A thread ends; in a fork child, only tid goes on. */
void pm_client_requests_thread_ends(struct pm_run *run, u32 tid);
void pm_client_requests_forked(struct pm_run *run, u32 tid);

#endif
