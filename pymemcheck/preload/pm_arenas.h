/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small objects of an interpreter whose allocator cannot be chosen: 2.7, and some embedded 3.6
   and 3.7. Their small-object allocator takes memory in arenas, by
   mmap. When it gets none it serves each request by malloc, and so makes each object visible. */
#ifndef PM_ARENAS_H
#define PM_ARENAS_H

/* Finds out from where the interpreter asks for arenas, and refuses them from then on. Must be
   called by the thread that is about to start the interpreter for the first time. Does
   nothing where the allocator can be chosen. */
void pm_refuse_arenas(void);

/* The first Python frame runs: modules may ask for memory as well from now on. */
void pm_settle_arenas(void);

/* The user chose an allocator, and the interpreter asked for the choice: arenas are given. */
void pm_allow_arenas(void);

#endif
