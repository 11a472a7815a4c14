/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each new object passes _Py_NewReference (Objects/object.c), also one that comes from a free list. Where
   that is a function of its own, its entry is probed. Where the compiler inlined it (Debian's
   python3.11, with link-time optimisation), one sign remains: the word 1 is stored, as the
   reference count, at the start of the object. So each 8-byte store of the constant 1 in the
   interpreter's code is probed, too. pm_births.h decides whether an object was born there.

   The interpreter's code is the object file in which a function was entered that only an interpreter
   has (pm_functions.h). */
#include "pub_tool_basics.h"
#include "pub_tool_debuginfo.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_machine.h"
#include "pub_tool_threadstate.h"
#include "pub_tool_tooliface.h"

#include "libvex_guest_offsets.h"

#include "tool/capture/pm_probe.h"

#include "base/pm_platform.h"
#include "cpython/pm_functions.h"
#include "tool/core/pm_core.h"
#include "tool/capture/pm_guest.h"
#include "tool/allocator/pm_allocator.h"
#include "tool/leaks/pm_finalization.h"
#include "tool/pm_run.h"

/* A program embeds one interpreter, rarely two. */
enum { MAX_INTERPRETERS = 4 };

static struct {
    struct pm_run *run;
    struct {
        Addr start, end;
    } interpreters[MAX_INTERPRETERS];
    size_t interpreter_count;
} state;

/* Called by translated code with the object, and the address of the store; 0 for _Py_NewReference. */
static VG_REGPARM(2) void on_new_reference(Addr object, Addr instruction)
{
    const ThreadId tid = VG_(get_running_tid)();

    if (pm_core_sanity_level() > 1 && instruction != 0)
        PM_ASSERT(VG_(get_IP)(tid) == instruction);
    pm_allocator_reused(state.run, tid, object, instruction);
}

/* The first instruction of the block, or 0. */
static Addr first_address(const IRSB *block)
{
    for (Int i = 0; i < block->stmts_used; i++)
        if (block->stmts[i]->tag == Ist_IMark)
            return block->stmts[i]->Ist.IMark.addr;
    return 0;
}

bool pm_probe_in_interpreter(u64 address)
{
    for (size_t i = 0; i < state.interpreter_count; i++)
        if (address >= state.interpreters[i].start && address < state.interpreters[i].end)
            return true;
    return false;
}

/* Records the object file of address as an interpreter's. */
static void note_interpreter(Addr address)
{
    const DebugInfo *object = VG_(find_DebugInfo)(VG_(current_DiEpoch)(), address);

    if (object == NULL || pm_probe_in_interpreter(address) || state.interpreter_count == MAX_INTERPRETERS)
        return;
    Addr start = VG_(DebugInfo_get_text_avma)(object);
    state.interpreters[state.interpreter_count].start = start;
    state.interpreters[state.interpreter_count++].end =
        start + VG_(DebugInfo_get_text_size)(object);
}

static IRTemp assign(IRSB *block, IRType type, IRExpr *expression)
{
    IRTemp temporary = newIRTemp(block->tyenv, type);
    addStmtToIRSB(block, IRStmt_WrTmp(temporary, expression));
    return temporary;
}

static IRTemp binary(IRSB *block, IRType type, IROp op, IRExpr *left, IRExpr *right)
{
    return assign(block, type, IRExpr_Binop(op, left, right));
}

/* Adds a call of on_new_reference. Nearly always the block was allocated last, for this object: inline code finds
   that, and makes no call. It holds only once for each word of the block, since a 1 is also stored as the size
   of an int or tuple. The guest's instruction pointer must be stored first: translated code keeps the stack
   pointer up to date at each access, but the instruction pointer only from block to block, and
   unwinding needs both of one moment. */
static void add_probe(IRSB *block, IRTemp object, Addr instruction, const VexGuestLayout *layout)
{
    enum { WORD_SHIFT = 3 };
    IRExpr *newest = mkIRExpr_HWord((HWord)&state.run->newest_address);
    IRExpr *room = mkIRExpr_HWord((HWord)&state.run->newest_room);
    IRExpr *places = mkIRExpr_HWord((HWord)&state.run->newest_births);
    IRExpr *const zero = IRExpr_Const(IRConst_U64(0));
    IRTemp address = assign(block, Ity_I64, IRExpr_Load(Iend_LE, Ity_I64, newest));
    IRTemp distance = binary(block, Ity_I64, Iop_Sub64, IRExpr_RdTmp(object), IRExpr_RdTmp(address));
    IRTemp bytes = assign(block, Ity_I64, IRExpr_Load(Iend_LE, Ity_I64, room));
    IRTemp far = binary(block, Ity_I1, Iop_CmpLE64U, IRExpr_RdTmp(bytes), IRExpr_RdTmp(distance));
    IRTemp word = binary(block, Ity_I64, Iop_Shr64, IRExpr_RdTmp(distance),
                         IRExpr_Const(IRConst_U8(WORD_SHIFT)));
    IRTemp place = assign(block, Ity_I8, IRExpr_Unop(Iop_64to8, IRExpr_RdTmp(word)));
    IRTemp bit = binary(block, Ity_I64, Iop_Shl64, IRExpr_Const(IRConst_U64(1)), IRExpr_RdTmp(place));
    IRTemp near_bit = assign(block, Ity_I64, IRExpr_ITE(IRExpr_RdTmp(far), zero, IRExpr_RdTmp(bit)));
    IRTemp before = assign(block, Ity_I64, IRExpr_Load(Iend_LE, Ity_I64, places));
    IRTemp after = binary(block, Ity_I64, Iop_Or64, IRExpr_RdTmp(before), IRExpr_RdTmp(near_bit));
    /* The object lies elsewhere, or the word's bit was already set. */
    IRTemp wanted = binary(block, Ity_I1, Iop_CmpEQ64, IRExpr_RdTmp(before), IRExpr_RdTmp(after));
    IRDirty *call = unsafeIRDirty_0_N(2, "on_new_reference",
                                      VG_(fnptr_to_fnentry)(&on_new_reference),
                                      mkIRExprVec_2(IRExpr_RdTmp(object),
                                                    mkIRExpr_HWord((HWord)instruction)));

    call->guard = IRExpr_RdTmp(wanted);
    pm_guest_reads_stack(call, layout);
    if (instruction != 0)
        addStmtToIRSB(block, IRStmt_Put(layout->offset_IP, mkIRExpr_HWord((HWord)instruction)));
    addStmtToIRSB(block, IRStmt_Dirty(call));
    addStmtToIRSB(block, IRStmt_Store(Iend_LE, places, IRExpr_RdTmp(after)));
}

/* The function's first argument is the object. */
static IRSB *probe_entry(const IRSB *block, const VexGuestLayout *layout)
{
    IRSB *probed = deepCopyIRSBExceptStmts(block);
    bool done = false;

    for (Int i = 0; i < block->stmts_used; i++) {
        addStmtToIRSB(probed, block->stmts[i]);
        if (!done && block->stmts[i]->tag == Ist_IMark) {
            add_probe(probed, assign(probed, Ity_I64, IRExpr_Get(OFFSET_amd64_RDI, Ity_I64)), 0,
                      layout);
            done = true;
        }
    }
    return probed;
}

/* Called by translated code when the interpreter begins or ends a life, and at what it does then: enum
   pm_function, and the address. */
static VG_REGPARM(2) void on_life(HWord function, Addr address)
{
    const ThreadId tid = VG_(get_running_tid)();

    switch ((enum pm_function)function) {
    case PM_FUNCTION_INITIALIZATION:
        pm_finalization_starts(state.run);
        break;
    case PM_FUNCTION_FINALIZATION:
        pm_finalization_begins(state.run, tid);
        break;
    case PM_FUNCTION_COLLECTOR:
        pm_finalization_collects(state.run, tid);
        break;
    case PM_FUNCTION_THREAD_STATE:
        pm_finalization_clears_thread(state.run, tid);
        break;
    default:
        pm_finalization_arrives(state.run, tid, address);
        break;
    }
}

/* Whether finalization has begun. Collections before it need no calls. */
static IRExpr *has_begun(IRSB *block)
{
    IRExpr *stage = mkIRExpr_HWord((HWord)&state.run->finalization.stage);
    IRTemp now = assign(block, Ity_I32, IRExpr_Load(Iend_LE, Ity_I32, stage));

    return IRExpr_RdTmp(binary(block, Ity_I1, Iop_CmpNE32, IRExpr_RdTmp(now),
                               IRExpr_Const(IRConst_U32(PM_FINALIZATION_NOT_BEGUN))));
}

/* Adds a call of on_life before the block's first instruction. */
static IRSB *probe_life(const IRSB *block, const VexGuestLayout *layout, enum pm_function function, Addr address)
{
    IRSB *probed = deepCopyIRSBExceptStmts(block);
    bool done = false;

    for (Int i = 0; i < block->stmts_used; i++) {
        addStmtToIRSB(probed, block->stmts[i]);
        if (!done && block->stmts[i]->tag == Ist_IMark) {
            IRDirty *call = unsafeIRDirty_0_N(2, "on_life", VG_(fnptr_to_fnentry)(&on_life),
                                              mkIRExprVec_2(mkIRExpr_HWord(function),
                                                            mkIRExpr_HWord(address)));
            if (function == PM_FUNCTION_OTHER)
                call->guard = has_begun(probed);
            pm_guest_reads_registers(call, layout);
            addStmtToIRSB(probed, IRStmt_Dirty(call));
            done = true;
        }
    }
    return probed;
}

static const IRExpr *value_of(const IRSB *block, IRTemp temporary)
{
    for (Int i = 0; i < block->stmts_used; i++)
        if (block->stmts[i]->tag == Ist_WrTmp && block->stmts[i]->Ist.WrTmp.tmp == temporary)
            return block->stmts[i]->Ist.WrTmp.data;
    return NULL;
}

/* Whether address is the stack pointer plus a constant, where no object is. Up to 3.9 a call of a Python
   function pushes a 1. */
static bool is_on_stack(const IRSB *block, const IRExpr *address)
{
    while (address != NULL) {
        if (address->tag == Iex_Get)
            return address->Iex.Get.offset == OFFSET_amd64_RSP;
        if (address->tag == Iex_RdTmp)
            address = value_of(block, address->Iex.RdTmp.tmp);
        else if (address->tag == Iex_Binop && address->Iex.Binop.arg2->tag == Iex_Const
                 && (address->Iex.Binop.op == Iop_Add64 || address->Iex.Binop.op == Iop_Sub64))
            address = address->Iex.Binop.arg1;
        else
            return false;
    }
    return false;
}

static bool stores_one(const IRSB *block, const IRStmt *statement)
{
    if (statement->tag != Ist_Store || statement->Ist.Store.data->tag != Iex_Const)
        return false;
    const IRConst *data = statement->Ist.Store.data->Iex.Const.con;
    return data->tag == Ico_U64 && data->Ico.U64 == 1
        && statement->Ist.Store.addr->tag == Iex_RdTmp
        && !is_on_stack(block, statement->Ist.Store.addr);
}

static IRSB *probe_stores(IRSB *block, const VexGuestLayout *layout)
{
    IRSB *probed = NULL;
    Addr instruction = 0;

    for (Int i = 0; i < block->stmts_used && probed == NULL; i++)
        if (stores_one(block, block->stmts[i]))
            probed = deepCopyIRSBExceptStmts(block);
    if (probed == NULL)
        return block;
    for (Int i = 0; i < block->stmts_used; i++) {
        if (block->stmts[i]->tag == Ist_IMark)
            instruction = block->stmts[i]->Ist.IMark.addr;
        addStmtToIRSB(probed, block->stmts[i]);
        if (stores_one(block, block->stmts[i]))
            add_probe(probed, block->stmts[i]->Ist.Store.addr->Iex.RdTmp.tmp, instruction,
                      layout);
    }
    return probed;
}

/* Whether address lies in a function whose stores of a 1 are no births. */
static bool stores_no_birth(Addr address)
{
    const HChar *name;

    return VG_(get_fnname)(VG_(current_DiEpoch)(), address, &name)
        && pm_function_stores_no_birth(pm_function_of(name));
}

IRSB *pm_probe_instrument(struct pm_run *run, IRSB *block, const VexGuestLayout *layout)
{
    const Addr address = first_address(block);
    const HChar *name;
    enum pm_function function = PM_FUNCTION_OTHER;

    state.run = run;
    if (VG_(get_fnname_if_entry)(VG_(current_DiEpoch)(), address, &name))
        function = pm_function_of(name);
    switch (function) {
    case PM_FUNCTION_NEW_REFERENCE:
        return probe_entry(block, layout);
    case PM_FUNCTION_INITIALIZATION:
        note_interpreter(address);
        return probe_life(block, layout, function, address);
    case PM_FUNCTION_FINALIZATION:
    case PM_FUNCTION_COLLECTOR:
    case PM_FUNCTION_THREAD_STATE:
        return probe_life(block, layout, function, address);
    case PM_FUNCTION_INTERPRETER:
        note_interpreter(address);
        break;
    default:
        break;
    }
    if (!run->finalization.looked && run->python.state == PM_PYTHON_READY)
        pm_finalization_find_traversal(run);
    if (pm_finalization_watches(&run->finalization, address))
        return probe_life(block, layout, PM_FUNCTION_OTHER, address);
    return pm_probe_in_interpreter(address) && !stores_no_birth(address) ? probe_stores(block, layout) : block;
}
