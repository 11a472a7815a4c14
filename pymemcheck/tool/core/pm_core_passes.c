/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The functions' types are those of VEX/priv/ir_opt.h and VEX/pub/libvex_ir.h. Calls from
   inside of the optimiser are in the functions' own object and not led here.

   Blocks are translated one after the other: what was said of the last one holds until the
   next is checked for the first time. */
#include "pub_tool_basics.h"

#include "libvex_ir.h"

#include "tool/core/pm_core_passes.h"

#include "tool/core/pm_core.h"

/* The linker's names for a function and for what is put before it. Weak: a core without the
   function links as well, and never calls what is put before it. */
#define PM_WEAK __attribute__((weak))
extern IRSB *__real_cprop_BB(IRSB *block) PM_WEAK;
extern void __real_do_deadcode_BB(IRSB *block) PM_WEAK;
extern void __real_sanityCheckIRSB(const IRSB *block, const HChar *caller, Bool require_flat,
                                   IRType guest_word) PM_WEAK;
extern IRSB *__wrap_cprop_BB(IRSB *block);
extern void __wrap_do_deadcode_BB(IRSB *block);
extern void __wrap_sanityCheckIRSB(const IRSB *block, const HChar *caller, Bool require_flat,
                                   IRType guest_word);

static bool is_changed;

void pm_core_passes_instrumented(bool changed)
{
    is_changed = changed;
}

static bool is_wanted(void)
{
    return is_changed || VG_(clo_sanity_level) > 1;
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

/* The last of them. */
void __wrap_sanityCheckIRSB(const IRSB *block, const HChar *caller, Bool require_flat,
                            IRType guest_word)
{
    if (is_wanted())
        __real_sanityCheckIRSB(block, caller, require_flat, guest_word);
    is_changed = false;
}
