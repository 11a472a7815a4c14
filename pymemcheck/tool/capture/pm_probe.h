/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Native helper calls put into the translated program.

   When CPython gives out an object it may come from one of its free lists,
   without a call of malloc: pm_allocator_reused is told. */
#ifndef PM_PROBE_H
#define PM_PROBE_H

#include "pub_tool_basics.h"
#include "pub_tool_tooliface.h"

#include "base/pm_types.h"

struct pm_run;

/* Whether address is in the code of an interpreter. */
bool pm_probe_in_interpreter(u64 address);

/* Returns block with the helper calls added that it needs; itself if none. */
IRSB *pm_probe_instrument(struct pm_run *run, IRSB *block, const VexGuestLayout *layout);

#endif
