/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Passes of the core's translation that are left out.

   VEX checks each block that it has made of the program's instructions, and after
   the tool has seen a block it cleans it up and checks it again (LibVEX_Translate,
   VEX/priv/main_main.c, 3.19 to 3.27). A block that the tool gave back as it was is clean
   already: the optimiser did the same just before. The linker leads VEX's calls of these
   passes here (--wrap). docs/decisions/core-defaults.md has figures. */
#ifndef PM_CORE_PASSES_H
#define PM_CORE_PASSES_H

#include "base/pm_types.h"

/* The block in hand was given back, changed or not. Changed blocks get all passes. With
   --sanity-level=2 or more all blocks do. */
void pm_core_passes_instrumented(bool changed);

#endif
