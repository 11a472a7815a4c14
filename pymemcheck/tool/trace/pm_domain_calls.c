/* SPDX-License-Identifier: GPL-2.0-or-later */
/* At the entry of such a function its arguments are in RSI and RDX (RDI has the allocator's context), those of an
   interface (PyMem_Malloc) in RDI and RSI, and the
   return address is where RSP points. The function has returned when some RET leaves RSP eight bytes above
   that: this also holds if it ends with a jump to another function, which then executes the RET. So calls
   under way are a stack for each thread, with the RSP that ends them. Translated code compares RSP with
   that of the innermost one at each RET, and calls only if they are equal.

   A call of an interface is in the log only if no function behind it was seen at work: if the compiler inlined
   that, as link-time optimisation does.

   A call that was left by longjmp ends unseen. It is dropped when another begins at or above its place. */
#include "pub_tool_basics.h"
#include "pub_tool_debuginfo.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_machine.h"
#include "pub_tool_threadstate.h"
#include "pub_tool_tooliface.h"

#include "libvex_guest_offsets.h"

#include "tool/trace/pm_domain_calls.h"

#include "base/pm_grow.h"
#include "base/pm_platform.h"
#include "cpython/pm_domain_functions.h"
#include "preload/pm_requests.h"
#include "tool/capture/pm_guest.h"

enum { MOST_FUNCTIONS = 48, WORD = 8, MOST_UNDER_WAY = 64 };

/* A function that is watched. */
struct watched {
    Addr address;
    const char *name;
    enum pm_domain_operation operation;
    bool interface;
};

/* A call of it that has not returned. */
struct under_way {
    u64 end;                    /* RSP after its return */
    u32 function;               /* of functions */
    u64 first, second;          /* its arguments behind the context */
    struct pm_stack_id stack;
    bool seen_inside;           /* a function behind this interface was called */
};

struct thread_calls {
    struct under_way calls[MOST_UNDER_WAY];
    u32 count;
};

static struct {
    struct pm_run *run;
    u64 awaited;                /* the end of the running thread's innermost call, or 0; read by translated code */
    struct watched functions[MOST_FUNCTIONS];
    u32 function_count;
    struct thread_calls **threads;      /* by ThreadId; NULL: none yet */
    u32 thread_capacity;
    bool any;                   /* a function of an interpreter was called while the log was on */
    bool met;                   /* the interpreter's table was read, so all functions behind interfaces are watched */
    bool inlined;               /* an interface was called that has its function in it */
} state;

static struct thread_calls *calls_of(ThreadId tid)
{
    state.threads = pm_grow_to("pm.trace.domains", state.threads, &state.thread_capacity, tid,
                               sizeof *state.threads);
    if (state.threads[tid] == NULL)
        state.threads[tid] = pm_alloc_zero("pm.trace.domains", sizeof **state.threads);
    return state.threads[tid];
}

static void await(const struct thread_calls *calls)
{
    state.awaited = calls->count > 0 ? calls->calls[calls->count - 1].end : 0;
}

void pm_domain_calls_thread_runs(u32 tid)
{
    await(calls_of(tid));
}

static void write_call(ThreadId tid, const struct under_way *call, u64 result)
{
    static const enum pm_trace_operation operations[] = {
        PM_TRACE_MALLOC, PM_TRACE_CALLOC, PM_TRACE_REALLOC, PM_TRACE_FREE,
    };
    const struct watched *function = &state.functions[call->function];
    struct pm_trace_record record = {
        .operation = operations[function->operation],
        .function = function->name,
        .arguments = { call->first, call->second },
        .result = result,
        .stack = call->stack,
    };

    pm_event_log_domain_call(&state.run->log, tid, &record);
}

/* All interfaces under way are explained by a function behind them. */
static void mark_interfaces(struct thread_calls *calls)
{
    for (u32 i = 0; i < calls->count; i++)
        calls->calls[i].seen_inside = true;
}

/* Called by translated code at the entry of a function. */
static void on_entry(ULong function, ULong first, ULong second, ULong third, ULong stack_pointer)
{
    const struct watched *watched = &state.functions[function];
    const ThreadId tid = VG_(get_running_tid)();
    struct thread_calls *calls = calls_of(tid);

    while (calls->count > 0 && calls->calls[calls->count - 1].end <= stack_pointer)
        calls->count--;
    if (!pm_event_log_is_on(&state.run->log)) {
        await(calls);
        return;
    }
    state.any = true;
    struct under_way call = {
        .end = stack_pointer + WORD,
        .function = (u32)function,
        .first = watched->interface ? first : second,
        .second = watched->interface ? second : third,
        .stack = pm_capture_stack(state.run, tid).stack,
    };
    if (!watched->interface)
        mark_interfaces(calls);
    if (watched->operation == PM_DOMAIN_FREE && !watched->interface)
        write_call(tid, &call, 0);
    else if (calls->count < MOST_UNDER_WAY)
        calls->calls[calls->count++] = call;
    await(calls);
}

/* Called by translated code at the RET that ends the innermost calls. */
static VG_REGPARM(1) void on_return(ULong result)
{
    const ThreadId tid = VG_(get_running_tid)();
    struct thread_calls *calls = calls_of(tid);
    const u64 end = state.awaited;

    while (calls->count > 0 && calls->calls[calls->count - 1].end == end) {
        const struct under_way call = calls->calls[--calls->count];
        if (!state.functions[call.function].interface)
            write_call(tid, &call, result);
        else if (!call.seen_inside) {
            state.inlined |= state.met;
            write_call(tid, &call, result);
        }
    }
    await(calls);
}

/* --- Which functions --- */

/* Number of the function at address, from 0; negative if it is not watched. */
static Int number_at(Addr address)
{
    for (u32 i = 0; i < state.function_count; i++)
        if (state.functions[i].address == address)
            return (Int)i;
    return -1;
}

static void watch(Addr address, const char *name, enum pm_domain_operation operation, bool interface)
{
    if (number_at(address) < 0 && state.function_count < MOST_FUNCTIONS)
        state.functions[state.function_count++] = (struct watched){ address, name, operation, interface };
}

/* Whether --trace= asks for one of the slots (bits). */
static bool is_asked_for(u32 slots)
{
    const u32 parts = state.run->options.trace.parts;

    return ((slots & 1 << PM_SLOT_RAW) != 0 && (parts & PM_TRACE_PART_RAW) != 0)
        || ((slots & 1 << PM_SLOT_MEM) != 0 && (parts & PM_TRACE_PART_MEM) != 0)
        || ((slots & 1 << PM_SLOT_OBJECT) != 0 && (parts & PM_TRACE_PART_OBJECT) != 0);
}

/* Watches the function at address if its symbol says what it is. */
static void watch_by_symbol(Addr address)
{
    struct pm_domain_function function;
    const HChar *symbol;

    if (VG_(get_fnname_if_entry)(VG_(current_DiEpoch)(), address, &symbol)
            && pm_domain_function_of(symbol, &function) && is_asked_for(function.slots))
        watch(address, function.name, function.operation, function.interface);
}

typedef __typeof__(((struct pm_allocators *)0)->domains[0]) allocator;

/* The allocator beneath debug hooks. */
static allocator without_hooks(struct pm_run *run, allocator table)
{
    enum { HOOKS = 3 };
    allocator inner;
    u64 api;

    for (int i = 0; i < HOOKS && table.context != 0; i++) {
        if (!pm_reader_read_u64(&run->reader, table.context, &api) || !pm_domain_is_hook((u8)api)
                || !pm_reader_read(&run->reader, table.context + WORD, &inner, sizeof inner))
            break;
        table = inner;
    }
    return table;
}

/* The name of a function in the table: its symbol, if it is one of CPython's. */
static const char *name_of(Addr address, enum pm_domain_slot slot, enum pm_domain_operation operation, bool is_raw)
{
    struct pm_domain_function function;
    const HChar *symbol;

    if (VG_(get_fnname_if_entry)(VG_(current_DiEpoch)(), address, &symbol))
        return pm_domain_function_of(symbol, &function) ? function.name
            : pm_copy_text("pm.trace.domains", symbol, VG_(strlen)(symbol));
    return pm_domain_function_name(slot, operation, is_raw);
}

void pm_domain_calls_meet(struct pm_run *run, u64 address)
{
    struct pm_allocators *theirs = (struct pm_allocators *)address;
    struct pm_allocators table;
    u32 changed = 0;

    if (state.run == NULL || !pm_reader_read(&run->reader, address, &table, sizeof table))
        return;
    for (u32 slot = 0; slot < PM_DOMAIN_SLOTS; slot++)
        table.domains[slot] = without_hooks(run, table.domains[slot]);
    for (u32 slot = 0; slot < PM_DOMAIN_SLOTS; slot++)
        for (u32 i = 0; i < PM_DOMAIN_OPERATIONS; i++) {
            const Addr function = table.domains[slot].functions[i];
            if (!is_asked_for(1u << slot) || number_at(function) >= 0)
                continue;
            watch(function, name_of(function, slot, i, function == table.domains[PM_SLOT_RAW].functions[i]), i,
                  false);
            theirs->changed[changed++] = function;
        }
    state.met = true;
}

void pm_domain_calls_end(struct pm_run *run)
{
    if (!pm_domain_calls_wanted(run))
        return;
    if (!state.any)
        VG_(umsg)("pymemcheck: note: no call of CPython's allocator domains was seen, so the event log has none.\n");
    if (state.inlined)
        VG_(umsg)("pymemcheck: note: in this interpreter the compiler put allocators into their callers: such calls are"
                  " not in the event log. --trace=malloc has every request.\n");
}

/* --- Translated code --- */

static IRExpr *get(IRSB *block, Int offset)
{
    return pm_guest_assign(block, Ity_I64, IRExpr_Get(offset, Ity_I64));
}

static void add_entry(IRSB *block, u32 function, Addr address, const VexGuestLayout *layout)
{
    IRExpr **arguments = mkIRExprVec_5(mkIRExpr_HWord(function), get(block, OFFSET_amd64_RDI),
                                       get(block, OFFSET_amd64_RSI), get(block, OFFSET_amd64_RDX),
                                       get(block, OFFSET_amd64_RSP));
    IRDirty *call = unsafeIRDirty_0_N(0, "on_entry", VG_(fnptr_to_fnentry)(&on_entry), arguments);

    pm_guest_reads_stack(call, layout);
    addStmtToIRSB(block, IRStmt_Put(layout->offset_IP, IRExpr_Const(IRConst_U64(address))));
    addStmtToIRSB(block, IRStmt_Dirty(call));
}

static IRSB *probe_entry(IRSB *block, u32 function, Addr address, const VexGuestLayout *layout)
{
    IRSB *probed = deepCopyIRSBExceptStmts(block);
    bool done = false;

    for (Int i = 0; i < block->stmts_used; i++) {
        addStmtToIRSB(probed, block->stmts[i]);
        if (!done && block->stmts[i]->tag == Ist_IMark) {
            add_entry(probed, function, address, layout);
            done = true;
        }
    }
    return probed;
}

/* The stack pointer is already behind the return address at the end of such a block. */
static IRSB *probe_return(IRSB *block)
{
    IRSB *probed = deepCopyIRSB(block);
    IRExpr *awaited = pm_guest_assign(probed, Ity_I64,
                                      IRExpr_Load(Iend_LE, Ity_I64, mkIRExpr_HWord((HWord)&state.awaited)));
    IRExpr *equal = pm_guest_assign(probed, Ity_I1, IRExpr_Binop(Iop_CmpEQ64, awaited, get(probed, OFFSET_amd64_RSP)));
    IRDirty *call = unsafeIRDirty_0_N(1, "on_return", VG_(fnptr_to_fnentry)(&on_return),
                                      mkIRExprVec_1(get(probed, OFFSET_amd64_RAX)));

    call->guard = equal;
    addStmtToIRSB(probed, IRStmt_Dirty(call));
    return probed;
}

IRSB *pm_domain_calls_instrument(IRSB *block, Addr address, const VexGuestLayout *layout)
{
    Int function = number_at(address);

    if (function < 0) {
        watch_by_symbol(address);
        function = number_at(address);
    }
    if (function >= 0)
        block = probe_entry(block, (u32)function, address, layout);
    return block->jumpkind == Ijk_Ret ? probe_return(block) : block;
}

void pm_domain_calls_init(struct pm_run *run)
{
    state.run = run;
}
