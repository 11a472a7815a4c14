/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_debuginfo.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_machine.h"
#include "pub_tool_threadstate.h"
#include "pub_tool_tooliface.h"

#include "libvex_guest_offsets.h"

#include "tool/pm_probe.h"

#include "base/pm_platform.h"
#include "tool/pm_heap.h"
#include "tool/pm_run.h"

static struct pm_run *the_run;

/* Called by translated code with the object that was given out. */
static VG_REGPARM(1) void on_new_reference(Addr object)
{
    pm_heap_reborn(the_run, VG_(get_running_tid)(), object);
}

/* The first instruction of the block, or 0. */
static Addr first_address(const IRSB *block)
{
    for (Int i = 0; i < block->stmts_used; i++)
        if (block->stmts[i]->tag == Ist_IMark)
            return block->stmts[i]->Ist.IMark.addr;
    return 0;
}

static bool starts_function(Addr address, const char *wanted)
{
    const HChar *name;
    return VG_(get_fnname_if_entry)(VG_(current_DiEpoch)(), address, &name)
        && pm_text_equal(name, wanted);
}

/* The unwinder reads these from the guest state during the call. */
static void reads_registers(IRDirty *call, const VexGuestLayout *layout)
{
    const struct {
        Int offset, size;
    } registers[] = {
        { layout->offset_SP, layout->sizeof_SP },
        { layout->offset_FP, layout->sizeof_FP },
        { layout->offset_IP, layout->sizeof_IP },
    };

    call->nFxState = PM_ARRAY_LENGTH(registers);
    for (size_t i = 0; i < PM_ARRAY_LENGTH(registers); i++) {
        call->fxState[i].fx = Ifx_Read;
        call->fxState[i].offset = (UShort)registers[i].offset;
        call->fxState[i].size = (UShort)registers[i].size;
        call->fxState[i].nRepeats = 0;
        call->fxState[i].repeatLen = 0;
    }
}

static void call_with_first_argument(IRSB *block, const VexGuestLayout *layout)
{
    IRTemp object = newIRTemp(block->tyenv, Ity_I64);
    IRDirty *call = unsafeIRDirty_0_N(1, "on_new_reference",
                                      VG_(fnptr_to_fnentry)(&on_new_reference),
                                      mkIRExprVec_1(IRExpr_RdTmp(object)));

    reads_registers(call, layout);
    addStmtToIRSB(block, IRStmt_WrTmp(object, IRExpr_Get(OFFSET_amd64_RDI, Ity_I64)));
    addStmtToIRSB(block, IRStmt_Dirty(call));
}

IRSB *pm_probe_instrument(struct pm_run *run, IRSB *block, const VexGuestLayout *layout)
{
    the_run = run;
    if (!starts_function(first_address(block), "_Py_NewReference"))
        return block;
    IRSB *probed = deepCopyIRSBExceptStmts(block);
    bool done = false;
    for (Int i = 0; i < block->stmts_used; i++) {
        addStmtToIRSB(probed, block->stmts[i]);
        if (!done && block->stmts[i]->tag == Ist_IMark) {
            call_with_first_argument(probed, layout);
            done = true;
        }
    }
    return probed;
}
