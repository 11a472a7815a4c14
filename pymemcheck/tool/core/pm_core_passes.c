/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The types are those of VEX/priv/ir_opt.h and VEX/pub/libvex_ir.h. The optimiser's own calls of the
   first two do not come here: they are in the functions' own object file.

   VEX translates one block at a time. is_changed describes the current block from its
   instrumentation to the last check, and is false while the next one is decoded. */
#include "tool/core/pm_core_symbols.h"

#include "tool/core/pm_core.h"
#include "tool/core/pm_core_passes.h"

#if PM_CORE_PASSES

static bool is_changed;

void pm_core_passes_instrumented(bool changed)
{
    is_changed = changed;
}

static bool is_wanted(void)
{
    return is_changed || pm_core_sanity_level() > 1;
}

IRSB *__wrap_cprop_BB(IRSB *block)
{
    return is_wanted() ? __real_cprop_BB(block) : block;
}

void __wrap_do_deadcode_BB(IRSB *block)
{
    if (is_wanted())
        __real_do_deadcode_BB(block);
}

/* VEX's last call for a block. */
void __wrap_sanityCheckIRSB(const IRSB *block, const HChar *caller, Bool require_flat,
                            IRType guest_word)
{
    if (is_wanted())
        __real_sanityCheckIRSB(block, caller, require_flat, guest_word);
    is_changed = false;
}

#else

void pm_core_passes_instrumented(bool changed)
{
    (void)changed;
}

#endif
