/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PYMEMCHECK_LEAK_SEARCH: a leak search that the program asks for, and its records as JSON. The text has the form of a
   profile (docs/file-format.md) with those strings, frames and stacks only that the records need. */
#ifndef PM_SEARCH_REQUEST_H
#define PM_SEARCH_REQUEST_H

#include "base/pm_types.h"

struct pm_run;

/* An answer of pymemcheck.h. search: the program's struct pymemcheck_search. */
long pm_search_request(struct pm_run *run, u64 search);

/* In a fork child: the last search was the parent's. */
void pm_search_forked(struct pm_run *run);

#endif
