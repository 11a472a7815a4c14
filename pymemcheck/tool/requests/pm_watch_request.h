/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PYMEMCHECK_WATCH: watches an object's references from now on. */
#ifndef PM_WATCH_REQUEST_H
#define PM_WATCH_REQUEST_H

#include "base/pm_types.h"

struct pm_run;

/* The answer. object: an address that the program gave. */
long pm_watch_request(struct pm_run *run, u64 object);

#endif
