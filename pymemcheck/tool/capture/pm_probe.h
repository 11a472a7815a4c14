/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Native helper calls put into the translated program.

   When CPython gives out an object it may come from one of its free lists,
   without a call of malloc: pm_allocator_reused is told. */
#ifndef PM_PROBE_H
#define PM_PROBE_H

#include "pub_tool_basics.h"
#include "pub_tool_tooliface.h"

struct pm_run;

/* Returns block with the helper calls added that it needs; itself if none. */
IRSB *pm_probe_instrument(struct pm_run *run, IRSB *block, const VexGuestLayout *layout);

#endif
