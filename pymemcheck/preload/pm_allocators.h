/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interpreter's table of allocators, for the event log of CPython's domains. */
#ifndef PM_ALLOCATORS_H
#define PM_ALLOCATORS_H

/* Tells the tool which functions serve the allocator domains, if it wants to know: once, when the first Python
   frame runs. Then they are chosen. */
void pm_tell_allocators(void);

#endif
