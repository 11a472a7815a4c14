/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_tooliface.h"

#include "libvex_guest_offsets.h"

#include "tool/capture/pm_guest.h"

#include "base/pm_platform.h"

IRExpr *pm_guest_assign(IRSB *block, IRType type, IRExpr *expression)
{
    const IRTemp temporary = newIRTemp(block->tyenv, type);

    addStmtToIRSB(block, IRStmt_WrTmp(temporary, expression));
    return IRExpr_RdTmp(temporary);
}

static void touches(IRDirty *call, IREffect effect, Int offset, Int bytes)
{
    const Int i = call->nFxState++;

    PM_ASSERT(i < VEX_N_FXSTATE);
    call->fxState[i].fx = effect;
    call->fxState[i].offset = (UShort)offset;
    call->fxState[i].size = (UShort)bytes;
    call->fxState[i].nRepeats = 0;
    call->fxState[i].repeatLen = 0;
}

void pm_guest_reads_stack(IRDirty *call, const VexGuestLayout *layout)
{
    touches(call, Ifx_Read, layout->offset_SP, layout->sizeof_SP);
    touches(call, Ifx_Read, layout->offset_FP, layout->sizeof_FP);
    touches(call, Ifx_Read, layout->offset_IP, layout->sizeof_IP);
}

/* The sixteen general registers follow each other (VEX/pub/libvex_guest_amd64.h, 3.19). */
void pm_guest_reads_registers(IRDirty *call, const VexGuestLayout *layout)
{
    touches(call, Ifx_Read, OFFSET_amd64_RAX, 16 * sizeof(ULong));
    touches(call, Ifx_Read, layout->offset_IP, layout->sizeof_IP);
}

void pm_guest_reads(IRDirty *call, Int offset, Int bytes)
{
    touches(call, Ifx_Read, offset, bytes);
}

void pm_guest_modifies(IRDirty *call, Int offset, Int bytes)
{
    touches(call, Ifx_Modify, offset, bytes);
}
