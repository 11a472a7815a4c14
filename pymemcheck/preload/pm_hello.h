/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interpreter's introduction to the tool. */
#ifndef PM_HELLO_H
#define PM_HELLO_H

#include "base/pm_types.h"

/* Makes the interpreter known to the tool, once, when its symbols were found
   (preload/pm_symbols.h), or without them when it already runs, so that the tool can say so. The
   tool needs its version before the first frame: debug hooks pad allocations from the start. */
void pm_introduce(bool runs);

#endif
