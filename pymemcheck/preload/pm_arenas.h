/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small objects of an interpreter whose allocator cannot be chosen: 2.7, and some embedded 3.6 and
   3.7. Their small-object allocator gets arenas by mmap. If that fails, it serves each request by
   malloc, which makes each object visible. */
#ifndef PM_ARENAS_H
#define PM_ARENAS_H

/* Finds out where the interpreter asks for arenas, and refuses them from then on. Must be called by
   the thread that is about to start the interpreter for the first time. Does nothing if the
   allocator can be chosen. */
void pm_refuse_arenas(void);

/* The first Python frame runs. From now on modules may ask for memory, too. */
void pm_settle_arenas(void);

/* The user chose an allocator, and the interpreter asked for the choice: arenas are no longer
   refused. */
void pm_allow_arenas(void);

#endif
