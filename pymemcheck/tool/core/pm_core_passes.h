/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Passes of VEX's translation that are left out (feature "passes").

   LibVEX_Translate (VEX/priv/main_main.c) checks each block that it decoded from the program's
   instructions, shows it to the tool, cleans it up and checks it again. A block that the tool gave
   back unchanged is clean: the optimiser cleaned it up just before. So the linker leads VEX's calls of
   these passes here (--wrap). docs/decisions/core-defaults.md has figures. */
#ifndef PM_CORE_PASSES_H
#define PM_CORE_PASSES_H

#include "base/pm_types.h"

/* Call for each block, when the tool has instrumented it. changed: the tool added something, and the
   block needs all passes. With --sanity-level=2 and more each block gets all passes. */
void pm_core_passes_instrumented(bool changed);

#endif
