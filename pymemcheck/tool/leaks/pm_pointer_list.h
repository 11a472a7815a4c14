/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who points at an address, for a person: what the monitor command who_points_at prints. */
#ifndef PM_POINTER_LIST_H
#define PM_POINTER_LIST_H

#include "base/pm_types.h"

struct pm_run;
struct pm_text;

/* Writes what is at address, and each pointer into the bytes from address on: where it is, and
   whether the leak search counts it. bytes 0: the pointers to address; where a block or its
   object begins at address, those to either of them. Cost: that of a leak search, and another
   look at all memory. */
void pm_pointer_list_write(struct pm_run *run, struct pm_text *text, u64 address, u64 bytes);

#endif
