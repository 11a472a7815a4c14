/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A client request (include/valgrind.h, amd64) has the address of its six argument words in RAX and
   gets its answer in RDX. The block that makes it ends with jump kind Ijk_ClientReq and goes to the
   address that follows. For VALGRIND_NON_SIMD_CALL the words are: the kind of call, the function, its
   arguments.

   At the entry of a function the arguments are in RDI and RSI, the answer goes to RAX, and executing any
   RET returns. A side exit can only go to an address that is known when the code is translated. We
   take that of a RET in the function's object. */
#include "config.h"

#include "pub_tool_basics.h"
#include "pub_tool_debuginfo.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_machine.h"
#include "pub_tool_replacemalloc.h"
#include "pub_tool_threadstate.h"
#include "pub_tool_tooliface.h"

#include <valgrind.h>

#include "libvex_guest_amd64.h"
#include "libvex_guest_offsets.h"

#include "tool/core/pm_shortcut.h"

#include "tool/capture/pm_guest.h"
#include "tool/allocator/pm_allocator.h"

/* Called by translated code. If the request at words is a call of an allocation function, carries it
   out and returns true. */
static ULong carry_out(VexGuestAMD64State *guest, const UWord *words)
{
    switch (words[0]) {
    case VG_USERREQ__CLIENT_CALL1:
    case VG_USERREQ__CLIENT_CALL2:
        return pm_allocator_call(words[1], VG_(get_running_tid)(), words + 2, (u64 *)&guest->guest_RDX);
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

static IRSB *shorten_request(IRSB *block, const VexGuestLayout *layout)
{
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

static struct {
    Addr start, end;        /* the text of our preloaded object; 0: not met yet */
    Addr ret;               /* a RET instruction there; 0: none */
} preloaded;

/* The first byte C3. It need not be an instruction of the function: executed, it is a RET. */
static Addr find_ret(Addr start, Addr end)
{
    enum { RET = 0xc3 };

    for (Addr at = start; at < end; at++)
        if (*(const UChar *)at == RET)
            return at;
    return 0;
}

static bool is_preloaded(Addr address)
{
    const DiEpoch epoch = VG_(current_DiEpoch)();
    const HChar *name;

    if (preloaded.end != 0)
        return address >= preloaded.start && address < preloaded.end;
    const DebugInfo *object = VG_(find_DebugInfo)(epoch, address);
    if (object == NULL || !VG_(get_objname)(epoch, address, &name)
            || VG_(strstr)(name, "vgpreload_pymemcheck") == NULL)
        return false;
    preloaded.start = VG_(DebugInfo_get_text_avma)(object);
    preloaded.end = preloaded.start + VG_(DebugInfo_get_text_size)(object);
    preloaded.ret = find_ret(address, preloaded.end);
    return true;
}

/* Called by translated code at the entry of a function. True if all is done and the function can
   return. */
static ULong do_simple_call(VexGuestAMD64State *guest, ULong entry)
{
    const struct pm_allocator_arguments arguments = {
        .first = guest->guest_RDI,
        .second = guest->guest_RSI,
        .stack_pointer = guest->guest_RSP,
    };

    return pm_allocator_simple_call((enum pm_allocator_entry)entry, VG_(get_running_tid)(), &arguments,
                               (u64 *)&guest->guest_RAX);
}

/* Whether address is the entry of a function that do_simple_call can carry out. */
static bool is_entry(Addr address, enum pm_allocator_entry *entry)
{
    static const struct {
        const char *name;
        enum pm_allocator_entry entry;
    } functions[] = {
        { "malloc", PM_ALLOCATOR_MALLOC }, { "calloc", PM_ALLOCATOR_CALLOC }, { "free", PM_ALLOCATOR_FREE },
    };
    const HChar *name;

    if (!VG_(get_fnname_if_entry)(VG_(current_DiEpoch)(), address, &name))
        return false;
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++)
        if (VG_(strcmp)(name, functions[i].name) == 0) {
            *entry = functions[i].entry;
            return true;
        }
    return false;
}

static void add_simple_call(IRSB *block, enum pm_allocator_entry entry, Addr address,
                            const VexGuestLayout *layout)
{
    IRTemp done = newIRTemp(block->tyenv, Ity_I64), simple = newIRTemp(block->tyenv, Ity_I1);
    IRDirty *call = unsafeIRDirty_1_N(done, 0, "do_simple_call",
                                      VG_(fnptr_to_fnentry)(&do_simple_call),
                                      mkIRExprVec_2(IRExpr_GSPTR(), mkIRExpr_HWord(entry)));

    pm_guest_reads_stack(call, layout);
    pm_guest_reads(call, OFFSET_amd64_RDI, sizeof(ULong));
    pm_guest_reads(call, OFFSET_amd64_RSI, sizeof(ULong));
    pm_guest_modifies(call, OFFSET_amd64_RAX, sizeof(ULong));
    addStmtToIRSB(block, IRStmt_Put(layout->offset_IP, IRExpr_Const(IRConst_U64(address))));
    addStmtToIRSB(block, IRStmt_Dirty(call));
    addStmtToIRSB(block, IRStmt_WrTmp(simple, IRExpr_Binop(Iop_CmpNE64, IRExpr_RdTmp(done),
                                                           IRExpr_Const(IRConst_U64(0)))));
    addStmtToIRSB(block, IRStmt_Exit(IRExpr_RdTmp(simple), Ijk_Boring,
                                     IRConst_U64(preloaded.ret), layout->offset_IP));
}

static IRSB *shorten_entry(IRSB *block, enum pm_allocator_entry entry, Addr address,
                           const VexGuestLayout *layout)
{
    IRSB *result = deepCopyIRSBExceptStmts(block);
    bool added = false;

    for (Int i = 0; i < block->stmts_used; i++) {
        addStmtToIRSB(result, block->stmts[i]);
        if (!added && block->stmts[i]->tag == Ist_IMark) {
            add_simple_call(result, entry, address, layout);
            added = true;
        }
    }
    return result;
}

IRSB *pm_shortcut_instrument(IRSB *block, Addr address, const VexGuestLayout *layout)
{
    enum pm_allocator_entry entry;

    if (!PM_CORE_SHORTCUT)
        return block;
    /* With --trace-malloc=yes the core's functions print what they do. */
    if (is_preloaded(address) && is_entry(address, &entry) && preloaded.ret != 0
            && !VG_(clo_trace_malloc))
        block = shorten_entry(block, entry, address, layout);
    if (block->jumpkind == Ijk_ClientReq && block->next->tag == Iex_Const)
        block = shorten_request(block, layout);
    return block;
}
