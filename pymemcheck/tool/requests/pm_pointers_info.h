/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PYMEMCHECK_WHO_POINTS_AT: each pointer to an address, and what holds it, as the leak search sees them. The monitor
   command who_points_at tells the same to a person (tool/leaks/pm_pointer_list.h). */
#ifndef PM_POINTERS_INFO_H
#define PM_POINTERS_INFO_H

#include "base/pm_types.h"

struct pm_run;

/* An answer of pymemcheck.h: the bytes of the JSON text. Cost: a leak search. */
long pm_pointers_info(struct pm_run *run, u64 address, u64 buffer, u64 size);

#endif
