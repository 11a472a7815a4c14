/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each call and return changes a word that says which frame runs: up to 3.8 the anchor in the thread's slot
   (preload/pm_requests.h), which our wrapper sets; 3.9, 3.10 and from 3.13 on a field of the thread's
   state; in 3.11 and 3.12 a field of the _PyCFrame to which that field points. Translated code compares
   the address of each store with these words. After such a store the frame that runs now is looked for among the
   frames that ran before, which we keep for each thread. If it is one of them, those inside of it have
   returned. If not, it was called.

   The compiler orders stores as it likes, so what else a call stores may not be there yet. A call is verified when
   the next thing happens: its caller must be the frame that ran before. If it is another, something was missed: then the
   interpreter's own chain is read, and nothing is told. Other code than the interpreter's that stores to such a word
   changes the thread to another stack (greenlet). There the chain is read too.

   A generator that waits for another (yield from, await) is made the running frame while throw() is passed on through it, though
   none of its code runs. So a generator is told when it has moved from where it was resumed, or when something else
   happens than that another one is resumed.

   A frame runs its prologue before its function begins: up to the first traceable instruction, where
   sys.setprofile has its event too. The call of a generator function ends there, with the new generator. So a
   call is told when the next thing happens, if the frame is beyond its prologue by then.

   In 3.11 and 3.12 a C call of the evaluation function stores two words, in an order that the compiler
   chooses: the thread state's, to a new _PyCFrame, and the frame into that. After the first store the second word
   may already be right, or have old contents. It is right if it is the function's second argument, which our
   wrapper has in a register when it sets the anchor. */
#include "pub_tool_basics.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_machine.h"
#include "pub_tool_threadstate.h"
#include "pub_tool_tooliface.h"

#include "libvex_guest_offsets.h"

#include "tool/trace/pm_python_calls.h"

#include "base/pm_grow.h"
#include "base/pm_platform.h"
#include "tool/capture/pm_guest.h"
#include "tool/capture/pm_probe.h"
#include "tool/trace/pm_frame_view.h"

enum { WORD = 8, MOST_FRAMES = 20000, MOST_RETURNS = 16, PLACE_OF_ANCHOR = 8 };

/* A frame that runs, or waits for one that it called. */
struct running {
    u64 frame, code;
    struct pm_frame_id shown;   /* of its call */
    struct pm_event_match match;    /* of this frame, if it is told, and of those outside of it that are */
    u64 resumed_at;             /* position */
    bool resumed;               /* it ran before: a generator */
    bool told;                  /* the log has its call */
    bool waits;                 /* it is no call */
};

struct thread {
    u64 state;                  /* PyThreadState; 0: not known */
    u64 cframe;                 /* where its field points, 3.11 and 3.12 */
    u64 *cframes;               /* where it pointed, outermost first: _PyCFrames of calls that wait */
    u32 cframe_count, cframe_capacity;
    u64 argument;               /* of the last call of the evaluation function: its frame, 3.9 on */
    bool unverified;            /* that the innermost frame was called by the one before */
    struct running *frames;     /* outermost first */
    u32 count, capacity;
    u32 depth;                  /* how many of them are told */
};

/* What translated code compares with, of the thread that runs; 0: nothing. */
static struct {
    u64 slot, thread, frame;
} words;

static struct {
    struct pm_run *run;
    struct thread *threads;     /* by the core's number */
    u32 capacity;
} state;

static struct thread *thread_of(u32 tid)
{
    state.threads = pm_grow_to("pm.trace.calls", state.threads, &state.capacity, tid, sizeof *state.threads);
    return &state.threads[tid];
}

static struct pm_python *python(void)
{
    return &state.run->python;
}

static const struct pm_layout *layout(void)
{
    return python()->state == PM_PYTHON_READY ? python()->interpreter.layout : NULL;
}

static u64 word_at(u64 address)
{
    u64 value;
    return address != 0 && pm_reader_read_u64(&state.run->reader, address, &value) ? value : 0;
}

/* --- What is told --- */

/* Calls have no native frames, so objects do not matter. */
static void tell(u32 tid, const struct pm_event_match *match, bool returns, u32 depth, struct pm_frame_id frame)
{
    struct pm_trace_call call = { .returns = returns, .depth = depth, .frame = frame };

    if (match->file && match->function)
        pm_event_log_python_call(&state.run->log, tid, &call);
}

static void set_told(struct running *running, struct pm_frame_id shown)
{
    const struct pm_run *run = state.run;
    const struct pm_tables tables = { &run->strings, &run->frames, &run->stacks };

    running->told = true;
    running->shown = shown;
    pm_event_filter_match(&run->options.trace.filter, &tables, shown, &running->match);
}

static void tell_call(u32 tid, struct thread *thread, struct running *running, struct pm_frame_id shown)
{
    set_told(running, shown);
    tell(tid, &running->match, false, thread->depth++, shown);
}

/* The innermost frame, if it is that of a call which was not told and is no pause; else NULL. view: filled in. */
static struct running *untold_innermost(const struct thread *thread, struct pm_frame_view *view)
{
    struct running *running = thread->count > 0 ? &thread->frames[thread->count - 1] : NULL;

    return running != NULL && !running->told && !running->waits && pm_frame_view_read(python(), running->frame, view)
        && view->code == running->code ? running : NULL;
}

/* The call of the innermost frame, if it was not told and the function has begun. surely: a generator has begun, even if
   it is where it was resumed. */
static void tell_innermost(u32 tid, struct thread *thread, bool surely)
{
    struct pm_frame_view view;
    struct running *running = untold_innermost(thread, &view);

    if (running == NULL)
        return;
    if (!running->resumed) {
        if (pm_frame_view_has_begun(python(), &view))
            tell_call(tid, thread, running, pm_frame_view_first_line(python(), &view));
    } else if (surely || view.position != running->resumed_at) {
        tell_call(tid, thread, running, running->shown);
    }
}

/* The frame is about to run. If it is a generator that is resumed, and the innermost one has not moved since it was
   resumed, then that one only passes a throw() on. */
static void note_passing(struct thread *thread, u64 frame)
{
    struct pm_frame_view view, next;
    struct running *running = untold_innermost(thread, &view);

    if (running != NULL && running->resumed && view.position == running->resumed_at
            && pm_frame_view_read(python(), frame, &next) && !pm_frame_view_is_new(python(), &next))
        running->waits = true;
}

static struct running *add(struct thread *thread, u64 frame, u64 code)
{
    if (thread->count == thread->capacity) {
        thread->capacity = thread->capacity == 0 ? 64 : thread->capacity * 2;
        thread->frames = pm_realloc("pm.trace.calls", thread->frames, thread->capacity * sizeof *thread->frames);
    }
    thread->frames[thread->count] = (struct running){
        .frame = frame, .code = code,
        .match = thread->count > 0 ? thread->frames[thread->count - 1].match
            : pm_event_filter_begin(&state.run->options.trace.filter),
    };
    return &thread->frames[thread->count++];
}

/* Index plus 1 of the frame among the innermost ones that are known, at most so many; 0: it is not. */
static u32 known_at(const struct thread *thread, u64 frame, u32 most)
{
    for (u32 i = thread->count; i > 0 && most > 0; i--, most--)
        if (thread->frames[i - 1].frame == frame)
            return i;
    return 0;
}

/* Takes over the frames of another stack. */
static void change_stack(struct thread *thread, u64 innermost)
{
    struct {
        u64 *frames;
        u32 count, capacity;
    } found = { 0 };
    struct pm_frame_view view;
    u32 known = 0;

    for (u64 frame = innermost; frame != 0 && (known = known_at(thread, frame, thread->count)) == 0;
            frame = pm_frame_view_caller(python(), frame)) {
        /* A chain that is just being changed may run in a circle. */
        if (found.count == MOST_FRAMES) {
            pm_free(found.frames);
            return;
        }
        if (found.count == found.capacity) {
            found.capacity = found.capacity == 0 ? 64 : found.capacity * 2;
            found.frames = pm_realloc("pm.trace.calls", found.frames, found.capacity * sizeof *found.frames);
        }
        found.frames[found.count++] = frame;
    }
    while (thread->count > known)
        thread->depth -= thread->frames[--thread->count].told;
    while (found.count > 0) {
        const u64 frame = found.frames[--found.count];
        if (!pm_frame_view_read(python(), frame, &view))
            continue;
        struct running *running = add(thread, frame, view.code);
        set_told(running, pm_frame_view_line(python(), &view));
        thread->depth++;
    }
    pm_free(found.frames);
}

static void enter(u32 tid, struct thread *thread, u64 frame)
{
    /* In these versions a frame has its caller before it runs. */
    const bool has_caller = layout()->complete == PM_COMPLETE_ALWAYS;
    const u64 caller = thread->count > 0 ? thread->frames[thread->count - 1].frame : 0;
    struct pm_frame_view view;

    if (!pm_frame_view_read(python(), frame, &view))
        return;
    const bool new = pm_frame_view_is_new(python(), &view);
    /* In 3.9 a waiting generator has no caller while throw() is passed on to the one that it waits for
       (Objects/genobject.c, _gen_throw). */
    const bool waits = has_caller && layout()->anchor == PM_ANCHOR_THREAD && !new && view.back == 0 && caller != 0;
    if (has_caller && view.back != caller && !waits) {      /* another stack: a call there, or a return to the frame */
        change_stack(thread, new ? view.back : frame);
        if (!new)
            return;
    }
    struct running *running = add(thread, frame, view.code);
    running->waits = waits;
    thread->unverified = !has_caller;
    if (waits)
        return;
    if (!new) {
        running->resumed = true;
        running->resumed_at = view.position;
        running->shown = pm_frame_view_line(python(), &view);
    } else if (has_caller) {
        tell_call(tid, thread, running, pm_frame_view_first_line(python(), &view));
    }
}

/* The innermost frame has returned. */
static void leave(u32 tid, struct thread *thread)
{
    const struct running running = thread->frames[--thread->count];
    struct pm_frame_view view;

    if (!running.told)
        return;
    thread->depth--;
    const bool readable = pm_frame_view_read(python(), running.frame, &view) && view.code == running.code;
    tell(tid, &running.match, true, thread->depth, readable ? pm_frame_view_line(python(), &view) : running.shown);
}

/* Adds the frames that were entered between the innermost one and the one before, if there are a few: a frame that
   cleans up after __init__, 3.12 on. False if the innermost one was not called from there. */
static bool add_between(struct thread *thread)
{
    enum { MOST_BETWEEN = 4 };
    const struct running innermost = thread->frames[thread->count - 1];
    const u64 caller = thread->count > 1 ? thread->frames[thread->count - 2].frame : 0;
    u64 between[MOST_BETWEEN], at = pm_frame_view_caller(python(), innermost.frame);
    u32 count = 0;
    struct pm_frame_view view;

    for (; at != caller && count < MOST_BETWEEN; at = pm_frame_view_caller(python(), at)) {
        if (!pm_frame_view_read(python(), at, &view) || pm_frame_view_has_begun(python(), &view))
            return false;
        between[count++] = at;
    }
    if (at != caller)
        return false;
    thread->count--;
    while (count > 0 && pm_frame_view_read(python(), between[--count], &view))
        add(thread, between[count], view.code);
    *add(thread, 0, 0) = innermost;
    return true;
}

/* Verifies the call of the innermost frame. */
static void verify(struct thread *thread)
{
    if (thread->unverified && thread->count > 0 && !add_between(thread)) {
        const struct running innermost = thread->frames[--thread->count];
        thread->depth -= innermost.told;
        change_stack(thread, innermost.frame);
    }
    thread->unverified = false;
}

/* Something else happens than a return of the innermost frame. */
static void settle(u32 tid, struct thread *thread)
{
    verify(thread);
    tell_innermost(tid, thread, true);
}

/* The frame runs now. */
static void runs(u32 tid, struct thread *thread, u64 frame)
{
    frame = pm_frame_view_real(python(), frame);
    /* Told twice, while it is called: 3.11 and 3.12. */
    if (thread->count > 0 && thread->frames[thread->count - 1].frame == frame)
        return;
    if (thread->count > 1 && thread->frames[thread->count - 2].frame == frame) {
        tell_innermost(tid, thread, true);
        leave(tid, thread);
        thread->unverified = false;
        return;
    }
    verify(thread);
    const u32 known = known_at(thread, frame, MOST_RETURNS);
    if (frame != 0 && known == 0)
        note_passing(thread, frame);
    tell_innermost(tid, thread, true);
    if (frame != 0 && known == 0)
        enter(tid, thread, frame);
    else
        while (thread->count > known)
            leave(tid, thread);
}

/* --- Stores --- */

static void set_words(u32 tid, const struct thread *thread)
{
    const struct pm_layout *known = layout();
    const u64 slot = pm_python_slot(&state.run->python, tid);

    words.slot = slot == 0 ? 0 : slot + PLACE_OF_ANCHOR;
    words.thread = words.frame = 0;
    if (known == NULL || known->anchor == PM_ANCHOR_FRAME || thread->state == 0)
        return;
    words.thread = thread->state + (u64)known->at.thread_frame;
    if (known->anchor == PM_ANCHOR_CFRAME && thread->cframe != 0)
        words.frame = thread->cframe + (u64)known->at.cframe_frame;
}

/* Whether the _PyCFrame is that of a call that waited: then the calls inside of it have returned. */
static bool is_outer_cframe(struct thread *thread, u64 cframe)
{
    for (u32 i = thread->cframe_count; i > 0; i--)
        if (thread->cframes[i - 1] == cframe) {
            thread->cframe_count = i - 1;
            return true;
        }
    return false;
}

/* The _PyCFrame is that of a call that waits. */
static void add_cframe(struct thread *thread, u64 cframe)
{
    if (thread->cframe_count == thread->cframe_capacity) {
        thread->cframe_capacity = thread->cframe_capacity == 0 ? 64 : thread->cframe_capacity * 2;
        thread->cframes = pm_realloc("pm.trace.calls", thread->cframes,
                                     thread->cframe_capacity * sizeof *thread->cframes);
    }
    thread->cframes[thread->cframe_count++] = cframe;
}

/* Reads which calls of the evaluation function the thread is in. */
static void read_cframes(struct thread *thread)
{
    const struct pm_layout_numbers *at = &layout()->at;

    thread->cframe_count = 0;
    thread->cframe = word_at(thread->state + (u64)at->thread_frame);
    for (u64 cframe = thread->cframe; thread->cframe_count < MOST_FRAMES;) {
        cframe = word_at(cframe + (u64)at->cframe_previous);
        if (cframe == 0)
            break;
        add_cframe(thread, cframe);
    }
    for (u32 i = 0, j = thread->cframe_count; i + 1 < j; i++) {
        const u64 swapped = thread->cframes[i];
        thread->cframes[i] = thread->cframes[--j];
        thread->cframes[j] = swapped;
    }
}

/* What the interpreter says runs now. */
static u64 frame_of(const struct thread *thread)
{
    const struct pm_layout *known = layout();

    return known->anchor == PM_ANCHOR_CFRAME ? word_at(thread->cframe + (u64)known->at.cframe_frame)
        : word_at(thread->state + (u64)known->at.thread_frame);
}

static void anchor_changed(u32 tid, struct thread *thread, u64 anchor, u64 second)
{
    const struct pm_layout *known = layout();

    if (known->anchor == PM_ANCHOR_FRAME) {
        runs(tid, thread, anchor);
        return;
    }
    thread->argument = second;
    if (anchor == 0 || anchor == thread->state)
        return;
    settle(tid, thread);
    thread->state = anchor;
    if (known->anchor == PM_ANCHOR_CFRAME)
        read_cframes(thread);
    /* Each interpreter has frames of its own. */
    change_stack(thread, pm_frame_view_real(python(), frame_of(thread)));
    thread->unverified = false;
    set_words(tid, thread);
}

static void cframe_changed(u32 tid, struct thread *thread, u64 cframe)
{
    if (cframe == thread->cframe || cframe == 0)
        return;
    const u64 frame = word_at(cframe + (u64)layout()->at.cframe_frame);
    const bool returned = is_outer_cframe(thread, cframe);
    if (!returned)
        add_cframe(thread, thread->cframe);
    thread->cframe = cframe;
    set_words(tid, thread);
    if (returned || frame == thread->argument)
        runs(tid, thread, frame);
}

/* Called by translated code after a store to one of the words. second: with the slot's, the second argument of our
   wrapper, as long as it is in its register. */
static VG_REGPARM(3) void on_store(ULong address, ULong bytes, ULong second)
{
    const u32 tid = VG_(get_running_tid)();
    struct thread *thread = thread_of(tid);

    if (layout() == NULL)
        return;
    if (words.slot - address < bytes)
        anchor_changed(tid, thread, word_at(words.slot), second);
    else if (words.thread - address < bytes && layout()->anchor == PM_ANCHOR_CFRAME)
        cframe_changed(tid, thread, word_at(words.thread));
    else if (words.thread - address < bytes)
        runs(tid, thread, word_at(words.thread));
    else if (words.frame - address < bytes)
        runs(tid, thread, word_at(words.frame));
}

/* Called by translated code outside of the interpreter after a store to one of the words: the thread changes to another
   stack, such as a greenlet's. The C stack may be that of the other already, so the call of the innermost frame
   cannot be verified any more. */
static void on_switch(void)
{
    const u32 tid = VG_(get_running_tid)();
    struct thread *thread = thread_of(tid);

    if (layout() == NULL || thread->state == 0)
        return;
    thread->unverified = false;
    tell_innermost(tid, thread, true);
    if (layout()->anchor == PM_ANCHOR_CFRAME)
        read_cframes(thread);
    change_stack(thread, pm_frame_view_real(python(), frame_of(thread)));
    set_words(tid, thread);
}

/* Something else is about to be written of the thread. */
static void before_record(u32 tid)
{
    struct thread *thread = thread_of(tid);

    if (layout() != NULL) {
        verify(thread);
        tell_innermost(tid, thread, false);
    }
}

void pm_python_calls_thread_runs(u32 tid)
{
    struct thread *thread = thread_of(tid);

    /* The layout is known from the first allocation in a frame on. */
    if (layout() != NULL && thread->state == 0) {
        const u64 anchor = pm_python_anchor(&state.run->python, tid);
        if (anchor != 0)
            anchor_changed(tid, thread, anchor, 0);
    }
    set_words(tid, thread);
}

void pm_python_calls_thread_starts(u32 tid)
{
    struct thread *thread = thread_of(tid);

    pm_free(thread->frames);
    pm_free(thread->cframes);
    *thread = (struct thread){ 0 };
}

void pm_python_calls_init(struct pm_run *run)
{
    state.run = run;
    run->log.before_record = before_record;
}

/* --- Translated code --- */

/* Whether the store of so many bytes at address meets the word. */
static IRExpr *meets(IRSB *block, u64 *word, IRExpr *address, ULong bytes)
{
    IRExpr *wanted = pm_guest_assign(block, Ity_I64, IRExpr_Load(Iend_LE, Ity_I64, mkIRExpr_HWord((HWord)word)));
    IRExpr *distance = pm_guest_assign(block, Ity_I64, IRExpr_Binop(Iop_Sub64, wanted, address));
    IRExpr *near = pm_guest_assign(block, Ity_I1,
                                   IRExpr_Binop(Iop_CmpLT64U, distance, IRExpr_Const(IRConst_U64(bytes))));
    return pm_guest_assign(block, Ity_I64, IRExpr_Unop(Iop_1Uto64, near));
}

/* Whose code it is. */
enum owner { INTERPRETER, OURS, OTHERS };

static void add_test(IRSB *block, IRExpr *address, ULong bytes, enum owner owner)
{
    IRExpr *met = owner == OURS ? meets(block, &words.slot, address, bytes)
        : pm_guest_assign(block, Ity_I64, IRExpr_Binop(Iop_Or64, meets(block, &words.thread, address, bytes),
                                                       meets(block, &words.frame, address, bytes)));
    IRExpr *second = owner == OURS ? pm_guest_assign(block, Ity_I64, IRExpr_Get(OFFSET_amd64_RSI, Ity_I64))
        : mkIRExpr_HWord(0);
    IRDirty *call = owner == OTHERS
        ? unsafeIRDirty_0_N(0, "on_switch", VG_(fnptr_to_fnentry)(&on_switch), mkIRExprVec_0())
        : unsafeIRDirty_0_N(3, "on_store", VG_(fnptr_to_fnentry)(&on_store),
                            mkIRExprVec_3(address, IRExpr_Const(IRConst_U64(bytes)), second));

    call->guard = pm_guest_assign(block, Ity_I1, IRExpr_Unop(Iop_64to1, met));
    addStmtToIRSB(block, IRStmt_Dirty(call));
}

static enum owner owner_of(Addr address)
{
    const struct pm_native *native = &state.run->native;

    if (address - native->ours_low < native->ours_high - native->ours_low)
        return OURS;
    return pm_probe_in_interpreter(address) ? INTERPRETER : OTHERS;
}

IRSB *pm_python_calls_instrument(IRSB *block, Addr address)
{
    const enum owner owner = owner_of(address);
    IRSB *probed = deepCopyIRSBExceptStmts(block);

    for (Int i = 0; i < block->stmts_used; i++) {
        const IRStmt *statement = block->stmts[i];
        addStmtToIRSB(probed, block->stmts[i]);
        if (statement->tag != Ist_Store)
            continue;
        const Int bytes = sizeofIRType(typeOfIRExpr(block->tyenv, statement->Ist.Store.data));
        if (bytes >= WORD)
            add_test(probed, statement->Ist.Store.addr, (ULong)bytes, owner);
    }
    return probed;
}
