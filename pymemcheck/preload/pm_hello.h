/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interpreter's introduction to the tool. */
#ifndef PM_HELLO_H
#define PM_HELLO_H

#include "base/pm_types.h"

/* Introduces the interpreter to the tool, once, when its symbols were found (preload/pm_symbols.h).
   If it already runs, also without symbols, so that the tool can say that they are missing. The
   tool needs the version before the first frame: debug hooks pad allocations from the start. */
void pm_introduce(bool runs);

#endif
