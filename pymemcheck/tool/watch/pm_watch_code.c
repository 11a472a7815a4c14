/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Before a store of 4 or 8 bytes:

       if (filter[address / 16 % FILTER_BYTES] != 0)
           on_store_8(guest, address, value, instruction)

   The test comes before the store, so the helper can read the old value. Only one thread of the program runs at a
   time, and not while a helper does, so nothing comes between. For the same reason a compare-and-swap is known to
   succeed if memory has the expected value now.

   Where a function of an extension returns, and behind its calls of the interpreter's functions, the same test is made
   for the result (pm_watch_return). Functions that move exceptions are rare, and always looked at.

   Translated code of amd64 has no load-linked and store-conditional instructions (VEX's Ist_LLSC). */
#include "pub_tool_basics.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_machine.h"
#include "pub_tool_threadstate.h"
#include "pub_tool_tooliface.h"

#include "libvex_guest_amd64.h"
#include "libvex_guest_offsets.h"

#include "tool/watch/pm_watch_code.h"

#include "base/pm_platform.h"
#include "tool/capture/pm_callsite.h"
#include "tool/capture/pm_guest.h"
#include "tool/pm_run.h"
#include "tool/watch/pm_watch_exceptions.h"
#include "tool/watch/pm_watch_owner.h"

enum { FILTER_BYTES = 1 << 18, FILTER_SHIFT = 4, FULL = 255 };

static u8 filter[FILTER_BYTES];
static u8 awake;                /* read by translated code */
static struct pm_run *the_run;

static u8 *byte_of(u64 address)
{
    return &filter[(address >> FILTER_SHIFT) % FILTER_BYTES];
}

/* A byte that became full stays so. */
void pm_watch_code_mark(u64 address)
{
    u8 *byte = byte_of(address);

    *byte = (u8)(*byte + (*byte < FULL));
}

void pm_watch_code_unmark(u64 address)
{
    u8 *byte = byte_of(address);

    *byte = (u8)(*byte - (*byte < FULL));
}

bool pm_watch_code_is_marked(u64 address)
{
    return *byte_of(address) != 0;
}

void pm_watch_code_wake(void)
{
    awake = 1;
}

/* The stack is unwound from the guest's state, which has no instruction pointer of this moment. Storing it in translated code
   would cost an instruction for each store, so it is set here, and set back. */
static void on_store(VexGuestAMD64State *guest, Addr address, ULong value, u32 bytes, Addr instruction)
{
    const Addr old = guest->guest_RIP;

    guest->guest_RIP = instruction;
    pm_watch_store(the_run, VG_(get_running_tid)(), address, value, bytes);
    guest->guest_RIP = old;
}

/* Called by translated code. */
static void on_store_8(VexGuestAMD64State *guest, Addr address, ULong value, Addr instruction)
{
    on_store(guest, address, value, sizeof(ULong), instruction);
}

static void on_store_4(VexGuestAMD64State *guest, Addr address, ULong value, Addr instruction)
{
    on_store(guest, address, value, sizeof(UInt), instruction);
}

static void on_swap_8(VexGuestAMD64State *guest, Addr address, ULong expected, ULong value, Addr instruction)
{
    u64 now;

    if (pm_reader_read_u64(&the_run->reader, address, &now) && now == expected)
        on_store(guest, address, value, sizeof(ULong), instruction);
}

static void on_swap_4(VexGuestAMD64State *guest, Addr address, ULong expected, ULong value, Addr instruction)
{
    u32 now;

    if (pm_reader_read_u32(&the_run->reader, address, &now) && now == (u32)expected)
        on_store(guest, address, value, sizeof(UInt), instruction);
}

static IRExpr *assign(IRSB *block, IRType type, IRExpr *expression)
{
    IRTemp temporary = newIRTemp(block->tyenv, type);

    addStmtToIRSB(block, IRStmt_WrTmp(temporary, expression));
    return IRExpr_RdTmp(temporary);
}

/* The filter's byte for an address. */
static IRExpr *load_byte(IRSB *block, IRExpr *address)
{
    IRExpr *unit = assign(block, Ity_I64, IRExpr_Binop(Iop_Shr64, address,
                                                       IRExpr_Const(IRConst_U8(FILTER_SHIFT))));
    IRExpr *place = assign(block, Ity_I64, IRExpr_Binop(Iop_And64, unit,
                                                        IRExpr_Const(IRConst_U64(FILTER_BYTES - 1))));
    IRExpr *byte = assign(block, Ity_I64, IRExpr_Binop(Iop_Add64, place, mkIRExpr_HWord((HWord)filter)));
    return assign(block, Ity_I8, IRExpr_Load(Iend_LE, Ity_I8, byte));
}

static IRExpr *widened(IRSB *block, IRExpr *value)
{
    return typeOfIRExpr(block->tyenv, value) == Ity_I32
        ? assign(block, Ity_I64, IRExpr_Unop(Iop_32Uto64, value)) : value;
}

/* Where an added call is. */
struct spot {
    IRSB *block;
    const VexGuestLayout *layout;
    Addr instruction;
};

/* Adds call, which is made if byte is not 0. */
static void add_call(const struct spot *spot, IRDirty *call, IRExpr *byte)
{
    call->guard = assign(spot->block, Ity_I1, IRExpr_Binop(Iop_CmpNE8, byte, IRExpr_Const(IRConst_U8(0))));
    pm_guest_reads_stack(call, spot->layout);
    addStmtToIRSB(spot->block, IRStmt_Dirty(call));
}

/* value: of 4 or 8 bytes. */
static void add_word(const struct spot *spot, IRExpr *address, IRExpr *value, IRExpr *guard)
{
    const bool wide = typeOfIRExpr(spot->block->tyenv, value) == Ity_I64;
    IRExpr *byte = load_byte(spot->block, address);

    if (guard != NULL)
        byte = assign(spot->block, Ity_I8, IRExpr_ITE(guard, byte, IRExpr_Const(IRConst_U8(0))));
    IRExpr **arguments = mkIRExprVec_4(IRExpr_GSPTR(), address, widened(spot->block, value),
                                       mkIRExpr_HWord((HWord)spot->instruction));
    add_call(spot, wide ? unsafeIRDirty_0_N(0, "on_store_8", VG_(fnptr_to_fnentry)(&on_store_8), arguments)
                        : unsafeIRDirty_0_N(0, "on_store_4", VG_(fnptr_to_fnentry)(&on_store_4), arguments),
             byte);
}

/* Compilers store an object's count and type by one instruction. */
static void add_store(const struct spot *spot, IRExpr *address, IRExpr *value, IRExpr *guard)
{
    IRSB *block = spot->block;

    if (typeOfIRExpr(block->tyenv, value) != Ity_V128) {
        add_word(spot, address, value, guard);
        return;
    }
    add_word(spot, address, assign(block, Ity_I64, IRExpr_Unop(Iop_V128to64, value)), guard);
    add_word(spot, assign(block, Ity_I64, IRExpr_Binop(Iop_Add64, address, mkIRExpr_HWord(sizeof(u64)))),
             assign(block, Ity_I64, IRExpr_Unop(Iop_V128HIto64, value)), guard);
}

static void add_swap(const struct spot *spot, const IRCAS *swap)
{
    const bool wide = typeOfIRExpr(spot->block->tyenv, swap->dataLo) == Ity_I64;
    IRExpr *byte = load_byte(spot->block, swap->addr);
    IRExpr **arguments = mkIRExprVec_5(IRExpr_GSPTR(), swap->addr, widened(spot->block, swap->expdLo),
                                       widened(spot->block, swap->dataLo),
                                       mkIRExpr_HWord((HWord)spot->instruction));

    add_call(spot, wide ? unsafeIRDirty_0_N(0, "on_swap_8", VG_(fnptr_to_fnentry)(&on_swap_8), arguments)
                        : unsafeIRDirty_0_N(0, "on_swap_4", VG_(fnptr_to_fnentry)(&on_swap_4), arguments),
             byte);
}

/* Whether the interpreter stores counts of 4 bytes: from 3.12 on (Include/object.h, ob_refcnt_split), and as long as it is
   not known. */
static bool may_have_half_counts(void)
{
    enum { WHOLE_WORD_BITS = 64 };
    const struct pm_layout *layout = the_run->python.interpreter.layout;

    return layout == NULL || layout->at.object_refcount_bits != WHOLE_WORD_BITS;
}

/* Whether a stored value may be a count. Also the constant 0: where a compiler knows that a count is 1, it stores that
   (gcc 14, dict_dealloc of 3.13). */
static bool may_be_count(const IRSB *block, const IRExpr *value)
{
    switch (typeOfIRExpr(block->tyenv, value)) {
    case Ity_I64:
        return true;
    case Ity_I32:
        return may_have_half_counts();
    case Ity_V128:
        return value->tag != Iex_Const;
    default:
        return false;
    }
}

/* Which temporaries of the block are the stack pointer plus a constant. */
static void note_stack_address(const IRStmt *statement, bool *on_stack)
{
    if (statement->tag != Ist_WrTmp)
        return;
    const IRExpr *data = statement->Ist.WrTmp.data;
    bool *noted = &on_stack[statement->Ist.WrTmp.tmp];
    if (data->tag == Iex_Get)
        *noted = data->Iex.Get.offset == OFFSET_amd64_RSP;
    else if (data->tag == Iex_RdTmp)
        *noted = on_stack[data->Iex.RdTmp.tmp];
    else if (data->tag == Iex_Binop && (data->Iex.Binop.op == Iop_Add64 || data->Iex.Binop.op == Iop_Sub64)
             && data->Iex.Binop.arg1->tag == Iex_RdTmp && data->Iex.Binop.arg2->tag == Iex_Const)
        *noted = on_stack[data->Iex.Binop.arg1->Iex.RdTmp.tmp];
}

static bool is_elsewhere(const IRExpr *address, const bool *on_stack)
{
    return address->tag != Iex_RdTmp || !on_stack[address->Iex.RdTmp.tmp];
}

/* Whether the statement is a store that is looked at. */
static bool is_wanted(const IRSB *block, const IRStmt *statement, const bool *on_stack)
{
    switch (statement->tag) {
    case Ist_Store:
        return may_be_count(block, statement->Ist.Store.data) && is_elsewhere(statement->Ist.Store.addr, on_stack);
    case Ist_StoreG:
        return may_be_count(block, statement->Ist.StoreG.details->data)
            && is_elsewhere(statement->Ist.StoreG.details->addr, on_stack);
    case Ist_CAS:
        return statement->Ist.CAS.details->dataHi == NULL
            && may_be_count(block, statement->Ist.CAS.details->dataLo)
            && is_elsewhere(statement->Ist.CAS.details->addr, on_stack);
    default:
        return false;
    }
}

static void add_before(const struct spot *spot, const IRStmt *statement)
{
    switch (statement->tag) {
    case Ist_Store:
        add_store(spot, statement->Ist.Store.addr, statement->Ist.Store.data, NULL);
        break;
    case Ist_StoreG:
        add_store(spot, statement->Ist.StoreG.details->addr, statement->Ist.StoreG.details->data,
                  statement->Ist.StoreG.details->guard);
        break;
    case Ist_CAS:
        add_swap(spot, statement->Ist.CAS.details);
        break;
    default:
        break;
    }
}

/* --- Returns --- */

static bool is_among(const HChar *function, const HChar *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (pm_text_equal(function, names[i]))
            return true;
    return false;
}

/* The functions of the interpreter that return nothing: what they leave behind in the register is no result. */
static bool returns_nothing(const HChar *function)
{
    static const HChar *const names[] = {
        "PyErr_Clear", "PyErr_Fetch", "PyErr_GetExcInfo", "PyErr_NormalizeException", "PyErr_Print", "PyErr_PrintEx",
        "PyErr_Restore", "PyErr_SetExcInfo", "PyErr_SetHandledException", "PyErr_SetNone", "PyErr_SetObject",
        "PyErr_SetRaisedException", "PyErr_SetString", "PyErr_WriteUnraisable", "PyException_SetCause",
        "PyException_SetContext", "PyBuffer_Release", "PyDict_Clear", "PyEval_RestoreThread", "PyGILState_Release",
        "PyMem_Free", "PyObject_ClearWeakRefs", "PyObject_Free", "PyObject_GC_Del", "PyObject_GC_Track",
        "PyObject_GC_UnTrack", "PyType_Modified", "Py_DecRef", "Py_IncRef", "_Py_DecRef", "_Py_Dealloc", "_Py_IncRef",
    };

    return is_among(function, names, PM_ARRAY_LENGTH(names));
}

/* The functions of the interpreter that return a reference which still belongs to somebody else
   (the documentation of CPython's C API, "borrowed reference"), or a number: ctypes converts id(object) by them. */
static bool returns_borrowed(const HChar *function)
{
    static const HChar *const names[] = {
        "PyList_GetItem", "PyTuple_GetItem", "PyDict_GetItem", "PyDict_GetItemString", "PyDict_GetItemWithError",
        "_PyDict_GetItem_KnownHash", "_PyDict_GetItemStringWithError", "PyDict_SetDefault", "PyWeakref_GetObject",
        "PySys_GetObject", "PyErr_Occurred", "PyModule_GetDict", "PyImport_GetModuleDict", "PyImport_AddModule",
        "PyMethod_Self", "PyMethod_Function", "PyFunction_GetCode", "PyFunction_GetGlobals", "PyEval_GetBuiltins",
        "PyEval_GetGlobals", "PyEval_GetLocals", "PyEval_GetFrame", "PyType_GetModule", "PyType_GetModuleByDef",
        "PyState_FindModule", "PyThreadState_GetDict", "_PyType_Lookup", "PyCapsule_GetPointer", "PyCell_GET",
        "PyLong_AsVoidPtr", "PyLong_AsUnsignedLongMask", "PyLong_AsUnsignedLongLongMask",
    };

    return is_among(function, names, PM_ARRAY_LENGTH(names));
}

/* Called by translated code where a function of an extension ends. It gives its caller the object that it returns. The
   stack is unwound as it is at the instruction: with the return address still on it. */
static void on_return(VexGuestAMD64State *guest, Addr result, Addr to, Addr instruction)
{
    const Addr stack_pointer = guest->guest_RSP, old = guest->guest_RIP;
    const enum pm_watch_side side = pm_watch_side_of(the_run, to);
    const ThreadId tid = VG_(get_running_tid)();
    u32 object;

    if (side == PM_WATCH_NEITHER || (object = pm_watch_returned(the_run, result)) == PM_WATCH_NONE)
        return;
    guest->guest_RIP = instruction;
    guest->guest_RSP = stack_pointer - sizeof(ULong);
    if (side == PM_WATCH_INTERPRETER) {
        pm_watch_return(the_run, tid, object, true, stack_pointer);
    } else {
        const struct pm_stack_id from = pm_watch_capture(the_run, tid);
        guest->guest_RIP = to - 1;
        guest->guest_RSP = stack_pointer;
        pm_watch_pass(the_run, object, from, tid, stack_pointer);
    }
    guest->guest_RSP = stack_pointer;
    guest->guest_RIP = old;
}

/* Called by translated code behind an extension's call of the interpreter, at site: it got an object. The stack is unwound
   from the call. If the code was reached by a jump, no such return address is left below the stack pointer. */
static void on_result(VexGuestAMD64State *guest, Addr result, Addr site)
{
    const Addr stack_pointer = guest->guest_RSP, old = guest->guest_RIP;
    u64 left;
    u32 object;

    if (!pm_reader_read_u64(&the_run->reader, stack_pointer - sizeof left, &left) || left != site)
        return;
    guest->guest_RIP = site - 1;
    if ((object = pm_watch_returned(the_run, result)) != PM_WATCH_NONE)
        pm_watch_return(the_run, VG_(get_running_tid)(), object, false, stack_pointer);
    guest->guest_RIP = old;
}

/* The filter's byte for the object that RAX points to. */
static IRExpr *load_result_byte(IRSB *block, IRExpr *result)
{
    const struct pm_layout *layout = the_run->python.interpreter.layout;

    if (layout == NULL || layout->at.object_refcount == 0)
        return load_byte(block, result);
    IRExpr *offset = mkIRExpr_HWord((HWord)layout->at.object_refcount);
    return load_byte(block, assign(block, Ity_I64, IRExpr_Binop(Iop_Add64, result, offset)));
}

static void add_return(const struct spot *spot)
{
    IRExpr *result = assign(spot->block, Ity_I64, IRExpr_Get(OFFSET_amd64_RAX, Ity_I64));
    IRExpr *byte = load_result_byte(spot->block, result);

    add_call(spot, unsafeIRDirty_0_N(0, "on_return", VG_(fnptr_to_fnentry)(&on_return),
                                     mkIRExprVec_4(IRExpr_GSPTR(), result, spot->block->next,
                                                   mkIRExpr_HWord((HWord)spot->instruction))), byte);
}

static void add_result(const struct spot *spot)
{
    IRExpr *result = assign(spot->block, Ity_I64, IRExpr_Get(OFFSET_amd64_RAX, Ity_I64));
    IRExpr *byte = load_result_byte(spot->block, result);

    add_call(spot, unsafeIRDirty_0_N(0, "on_result", VG_(fnptr_to_fnentry)(&on_result),
                                     mkIRExprVec_3(IRExpr_GSPTR(), result, mkIRExpr_HWord((HWord)spot->instruction))),
             byte);
}

/* Called by translated code at the entry of a function that moves exceptions. */
static void on_exception_call(VexGuestAMD64State *guest, ULong call)
{
    const Addr stack_pointer = guest->guest_RSP, old = guest->guest_RIP;
    const u64 arguments[PM_WATCH_EXCEPTION_PARTS] = { guest->guest_RDI, guest->guest_RSI, guest->guest_RDX };
    u64 site;

    if (!pm_reader_read_u64(&the_run->reader, stack_pointer, &site)
            || pm_watch_side_of(the_run, site) != PM_WATCH_EXTENSION)
        return;
    guest->guest_RIP = site - 1;
    guest->guest_RSP = stack_pointer + sizeof site;
    pm_watch_exception_called(the_run, VG_(get_running_tid)(), (enum pm_watch_exception_call)call, arguments,
                              guest->guest_RSP);
    guest->guest_RSP = stack_pointer;
    guest->guest_RIP = old;
}

/* Called by translated code behind the call of such a function, at site. */
static void on_fetched(VexGuestAMD64State *guest, Addr site)
{
    const Addr old = guest->guest_RIP;

    guest->guest_RIP = site - 1;
    pm_watch_exception_fetched(the_run, VG_(get_running_tid)(), guest->guest_RSP);
    guest->guest_RIP = old;
}

static void add_exception_call(const struct spot *spot, enum pm_watch_exception_call which)
{
    IRDirty *call = unsafeIRDirty_0_N(0, "on_exception_call", VG_(fnptr_to_fnentry)(&on_exception_call),
                                      mkIRExprVec_2(IRExpr_GSPTR(), mkIRExpr_HWord((HWord)which)));

    pm_guest_reads_registers(call, spot->layout);
    addStmtToIRSB(spot->block, IRStmt_Dirty(call));
}

static void add_fetched(const struct spot *spot)
{
    IRDirty *call = unsafeIRDirty_0_N(0, "on_fetched", VG_(fnptr_to_fnentry)(&on_fetched),
                                      mkIRExprVec_2(IRExpr_GSPTR(), mkIRExpr_HWord((HWord)spot->instruction)));

    pm_guest_reads_stack(call, spot->layout);
    addStmtToIRSB(spot->block, IRStmt_Dirty(call));
}

/* What else is to be done where a block begins. */
struct start {
    bool result;                /* it is behind a call of one of the interpreter's functions that returns a new
                                   reference. A function that is called through a pointer is not known. */
    bool fetched;               /* ... that got an exception through pointers */
    enum pm_watch_exception_call entered;
};

static struct start start_of(Addr first, enum pm_watch_side side)
{
    struct start start = { .entered = PM_WATCH_NO_EXCEPTION_CALL };
    const HChar *name = NULL;
    u64 called;

    if (side != PM_WATCH_EXTENSION && VG_(get_fnname_if_entry)(VG_(current_DiEpoch)(), first, &name))
        start.entered = pm_watch_exception_call_of(name);
    if (side != PM_WATCH_EXTENSION || !pm_callsite_target(&the_run->reader, first, &called)
            || pm_watch_side_of(the_run, called) != PM_WATCH_INTERPRETER
            || !VG_(get_fnname_if_entry)(VG_(current_DiEpoch)(), called, &name))
        return start;
    start.fetched = pm_watch_exception_call_of(name) == PM_WATCH_FETCH;
    start.result = (VG_(strncmp)(name, "Py", 2) == 0 || VG_(strncmp)(name, "_Py", 3) == 0)
        && !returns_borrowed(name) && !returns_nothing(name);
    return start;
}

static bool is_of_interest(const struct start *start)
{
    return start->result || start->fetched || start->entered != PM_WATCH_NO_EXCEPTION_CALL;
}

static void add_start(const struct spot *spot, const struct start *start)
{
    if (start->entered != PM_WATCH_NO_EXCEPTION_CALL)
        add_exception_call(spot, start->entered);
    if (start->fetched)
        add_fetched(spot);
    if (start->result)
        add_result(spot);
}

/* Where a block that would be tested begins while the watch sleeps:

       if (awake)
           discard all translations, and go to this block again

   VEX can do that with the jump that follows an instruction which makes code invalid. A function's entry is left out. The
   core may have come there past a wrapper, and would call that. */
static IRSB *add_wake(const IRSB *block, Addr first, const VexGuestLayout *layout)
{
    const HWord lowest = 0x1000;    /* as callgrind does it (callgrind/main.c) */
    IRSB *result = deepCopyIRSBExceptStmts(block);
    Int i = 0;

    for (; block->stmts[i]->tag != Ist_IMark; i++)
        addStmtToIRSB(result, block->stmts[i]);
    IRExpr *byte = assign(result, Ity_I8, IRExpr_Load(Iend_LE, Ity_I8, mkIRExpr_HWord((HWord)&awake)));
    IRExpr *is_awake = assign(result, Ity_I1, IRExpr_Binop(Iop_CmpNE8, byte, IRExpr_Const(IRConst_U8(0))));
    addStmtToIRSB(result, IRStmt_Put(offsetof(VexGuestAMD64State, guest_CMSTART), mkIRExpr_HWord(lowest)));
    addStmtToIRSB(result, IRStmt_Put(offsetof(VexGuestAMD64State, guest_CMLEN), mkIRExpr_HWord(~(lowest - 1))));
    addStmtToIRSB(result, IRStmt_Exit(is_awake, Ijk_InvalICache, IRConst_U64(first), layout->offset_IP));
    for (; i < block->stmts_used; i++)
        addStmtToIRSB(result, block->stmts[i]);
    return result;
}

static bool is_entry(Addr address)
{
    const HChar *name;

    return VG_(get_fnname_if_entry)(VG_(current_DiEpoch)(), address, &name);
}

static Addr first_address(const IRSB *block)
{
    for (Int i = 0; i < block->stmts_used; i++)
        if (block->stmts[i]->tag == Ist_IMark)
            return block->stmts[i]->Ist.IMark.addr;
    return 0;
}

IRSB *pm_watch_instrument(struct pm_run *run, IRSB *block, const VexGuestLayout *layout)
{
    if (!run->watch.on)
        return block;
    bool *on_stack = pm_alloc_zero("pm.watch", (size_t)block->tyenv->types_used * sizeof *on_stack);
    bool wanted = false;

    the_run = run;
    if (!run->watch.wake.awake)
        pm_watch_wake_on_code(run);
    for (Int i = 0; i < block->stmts_used; i++) {
        note_stack_address(block->stmts[i], on_stack);
        wanted |= is_wanted(block, block->stmts[i], on_stack);
    }
    const Addr first = first_address(block);
    const enum pm_watch_side side = pm_watch_side_of(run, first);
    const bool returns = side == PM_WATCH_EXTENSION && block->jumpkind == Ijk_Ret && block->next->tag == Iex_RdTmp;
    const struct start start = start_of(first, side);
    const bool starts = is_of_interest(&start);
    bool started = false;
    if (!run->watch.wake.awake && first != 0) {
        if ((wanted || returns || starts) && !is_entry(first))
            block = add_wake(block, first, layout);
    } else if (wanted || returns || starts) {
        struct spot spot = { .block = deepCopyIRSBExceptStmts(block), .layout = layout };
        for (Int i = 0; i < block->stmts_used; i++) {
            if (block->stmts[i]->tag == Ist_IMark)
                spot.instruction = block->stmts[i]->Ist.IMark.addr;
            if (is_wanted(block, block->stmts[i], on_stack))
                add_before(&spot, block->stmts[i]);
            addStmtToIRSB(spot.block, block->stmts[i]);
            if (starts && !started && block->stmts[i]->tag == Ist_IMark) {
                add_start(&spot, &start);
                started = true;
            }
        }
        if (returns)
            add_return(&spot);
        block = spot.block;
    }
    pm_free(on_stack);
    return block;
}
