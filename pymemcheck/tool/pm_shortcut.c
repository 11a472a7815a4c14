/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A client request (include/valgrind.h, amd64) has the address of its six
   argument words in RAX and its answer in RDX; the block that makes it ends
   with jump kind Ijk_ClientReq to the address that follows. For
   VALGRIND_NON_SIMD_CALL the words are: which kind of call, the function, its
   arguments. */
#include "pub_tool_basics.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_machine.h"
#include "pub_tool_threadstate.h"
#include "pub_tool_tooliface.h"

#include <valgrind.h>

#include "libvex_guest_amd64.h"
#include "libvex_guest_offsets.h"

#include "tool/pm_shortcut.h"

#include "tool/pm_guest.h"
#include "tool/pm_heap.h"

/* Carries out the request whose words are at words, if it is a call of an allocation function;
   true if it was. Called by translated code. */
static ULong carry_out(VexGuestAMD64State *guest, const UWord *words)
{
    switch (words[0]) {
    case VG_USERREQ__CLIENT_CALL1:
    case VG_USERREQ__CLIENT_CALL2:
        return pm_heap_call(words[1], VG_(get_running_tid)(), words + 2, (u64 *)&guest->guest_RDX);
    default:
        return 0;
    }
}

static IRDirty *helper_call(IRTemp done, IRTemp words, const VexGuestLayout *layout)
{
    IRDirty *call = unsafeIRDirty_1_N(done, 0, "carry_out", VG_(fnptr_to_fnentry)(&carry_out),
                                      mkIRExprVec_2(IRExpr_GSPTR(), IRExpr_RdTmp(words)));

    pm_guest_reads_stack(call, layout);
    pm_guest_modifies(call, OFFSET_amd64_RDX, sizeof(ULong));
    return call;
}

IRSB *pm_shortcut_instrument(IRSB *block, const VexGuestLayout *layout)
{
    if (block->jumpkind != Ijk_ClientReq || block->next->tag != Iex_Const)
        return block;
    IRSB *result = deepCopyIRSB(block);
    IRTemp words = newIRTemp(result->tyenv, Ity_I64), done = newIRTemp(result->tyenv, Ity_I64);
    IRTemp refused = newIRTemp(result->tyenv, Ity_I1);

    addStmtToIRSB(result, IRStmt_WrTmp(words, IRExpr_Get(OFFSET_amd64_RAX, Ity_I64)));
    addStmtToIRSB(result, IRStmt_Dirty(helper_call(done, words, layout)));
    addStmtToIRSB(result, IRStmt_WrTmp(refused, IRExpr_Binop(Iop_CmpEQ64, IRExpr_RdTmp(done),
                                                            IRExpr_Const(IRConst_U64(0)))));
    addStmtToIRSB(result, IRStmt_Exit(IRExpr_RdTmp(refused), Ijk_ClientReq,
                                      deepCopyIRConst(block->next->Iex.Const.con),
                                      layout->offset_IP));
    result->jumpkind = Ijk_Boring;
    return result;
}
