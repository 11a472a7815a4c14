/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Address space that is kept for the tool, and let go when the system gives it no more: the core ends the process
   then (VG_(out_of_memory_NORETURN), coregrind/m_mallocfree.c, 3.19 to 3.27), and no report would be written. The reserve is
   mapped and never touched, so that it takes address space only. */
#ifndef PM_CORE_RESERVE_H
#define PM_CORE_RESERVE_H

#include "base/pm_types.h"

/* Takes a reserve of bytes, if there is none; false if that is not possible. */
bool pm_core_reserve_take(u64 bytes);
/* Gives it back to the system, for what the tool asks for next. */
void pm_core_reserve_let_go(void);

#endif
