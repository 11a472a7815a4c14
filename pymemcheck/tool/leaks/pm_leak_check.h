/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Searches the program's heap for leaks at one moment, and makes loss records of
   what it finds. Joins the roots (pm_roots), the live blocks (heap/pm_blocks), what CPython
   knows of them (cpython/pm_object) and the search (heap/pm_leaks). */
#ifndef PM_LEAK_CHECK_H
#define PM_LEAK_CHECK_H

#include "base/pm_types.h"
#include "heap/pm_losses.h"

struct pm_run;

/* Records of the heap as it is now; release them with pm_losses_release. With all,
   blocks that are still reachable get records too. Cost: see heap/pm_leaks.h; memory about
   150 bytes a live block for the while. */
void pm_leak_check_search(struct pm_run *run, bool all, struct pm_losses *losses);

#endif
