/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The chain is a linked list of frames, innermost first. Each frame is read once, as one block
   up to the last field that we use, into a view that is the same for every version.
   What the walk does with a view depends only on the kinds of the layout.

   One C call of the evaluation function runs a group of frames. The end of a group is marked
   by the frame itself, by a shim outside it, or by a second chain, that of the calls (_PyCFrame).
   The outermost frames may be in no group: those of waiting generators that C code throws
   into while no Python runs. The only frame of a group may be incomplete (it is making its cells,
   for example, which allocates). Such a group has no frame to report; the next outer frame counts
   it, so that the native stack can still be matched.

   A damaged chain may run in a circle, even through frames that are skipped, or through
   the chain of calls alone. Brent's method finds circles: remember one address, compare each
   later one with it, and replace it after 1, 2, 4, 8 ... steps. */
#include "cpython/pm_walk.h"

struct frame_view {
    u64 back;
    u64 code;
    u64 position;
    u8 owner;
    bool entry;
};

struct circle_guard {
    u64 remembered;
    unsigned steps;
    unsigned renew_at;
};

struct walk {
    const struct pm_layout *layout;
    struct pm_reader *reader;
    struct pm_raw_frame *frames;
    unsigned count, capacity;
    struct pm_trace *trace;     /* NULL: not wanted */
    struct pm_rewalk *rewalk;   /* NULL: not wanted */
    bool group_open;        /* a frame of the current group was reported */
    u32 empty_entries;      /* groups without a frame since the last one reported */

    /* PM_ENTRY_CFRAME only. */
    bool in_call;           /* the current group is that of a call */
    u64 cframe;             /* the next outer call's */
    u64 group_end;          /* the next outer call's innermost frame */
    struct circle_guard cframes;
};

/* Notes that the result depends on the field of so many bytes at address, which holds value. */
static void rely_on(struct walk *walk, u64 address, u64 value, unsigned bytes)
{
    if (walk->trace != NULL)
        pm_trace_add(walk->trace, address, value, bytes);
}

static bool read_link(struct walk *walk, u64 address, u64 *value)
{
    if (!pm_reader_read_u64(walk->reader, address, value))
        return false;
    rely_on(walk, address, *value, sizeof *value);
    return true;
}

/* Whether the chain came back to an address where it was before. */
static bool in_circle(struct circle_guard *guard, u64 address)
{
    if (address == guard->remembered)
        return true;
    if (++guard->steps == guard->renew_at) {
        guard->remembered = address;
        guard->renew_at *= 2;
    }
    return false;
}

/* Enters the group of the call whose _PyCFrame is walk->cframe. */
static bool enter_call(struct walk *walk)
{
    const struct pm_layout_numbers *at = &walk->layout->at;

    if (in_circle(&walk->cframes, walk->cframe)
            || !read_link(walk, walk->cframe + (u64)at->cframe_previous,
                                   &walk->cframe))
        return false;
    walk->in_call = walk->cframe != 0;
    return !walk->in_call
           || read_link(walk, walk->cframe + (u64)at->cframe_frame,
                                 &walk->group_end);
}

static bool innermost(struct walk *walk, u64 anchor, u64 *frame)
{
    const struct pm_layout_numbers *at = &walk->layout->at;

    switch (walk->layout->anchor) {
    case PM_ANCHOR_FRAME:
        *frame = anchor;
        return true;
    case PM_ANCHOR_THREAD:
        return read_link(walk, anchor + (u64)at->thread_frame, frame);
    case PM_ANCHOR_CFRAME:
        return read_link(walk, anchor + (u64)at->thread_frame, &walk->cframe)
               && read_link(walk, walk->cframe + (u64)at->cframe_frame, frame)
               && (walk->layout->entry != PM_ENTRY_CFRAME || enter_call(walk));
    }
    return false;
}

/* Copies the part of a frame that has the fields that we use. The compiler copies a constant size in
   registers: these are the sizes of 3.11 to 3.13 and from 3.14 on. */
static bool read_block(struct pm_reader *reader, u64 address, u8 *block, size_t bytes)
{
    enum { FRAME_BYTES_3_11 = 72, FRAME_BYTES_3_14 = 80 };

    if (bytes == FRAME_BYTES_3_11)
        return pm_reader_read(reader, address, block, FRAME_BYTES_3_11);
    if (bytes == FRAME_BYTES_3_14)
        return pm_reader_read(reader, address, block, FRAME_BYTES_3_14);
    return pm_reader_read(reader, address, block, bytes);
}

static bool is_entry(const struct pm_layout *layout, const u8 *block)
{
    switch (layout->entry) {
    case PM_ENTRY_EACH:
        return true;
    case PM_ENTRY_RUNNING:
        return pm_layout_i32(block, layout->at.frame_stack_depth) <= 0
               || pm_layout_u64(block, layout->at.frame_trace) != 0;
    default:
        return false;
    }
}

static bool has_shims(const struct pm_layout *layout)
{
    return layout->entry == PM_ENTRY_SHIM || layout->entry == PM_ENTRY_SHIM_BASE;
}

static void rely_on_frame(struct walk *walk, u64 address, const struct frame_view *view,
                          const u8 *block)
{
    const struct pm_layout *layout = walk->layout;
    const struct pm_layout_numbers *at = &layout->at;

    rely_on(walk, address + (u64)at->frame_back, view->back, sizeof view->back);
    rely_on(walk, address + (u64)at->frame_code, pm_layout_u64(block, at->frame_code),
            sizeof view->code);
    rely_on(walk, address + (u64)at->frame_position, view->position,
            layout->position == PM_POSITION_POINTER ? sizeof(u64) : sizeof(u32));
    if (has_shims(layout))
        rely_on(walk, address + (u64)at->frame_owner, view->owner, sizeof view->owner);
    if (layout->entry == PM_ENTRY_RUNNING) {
        rely_on(walk, address + (u64)at->frame_stack_depth,
                (u32)pm_layout_i32(block, at->frame_stack_depth), sizeof(u32));
        rely_on(walk, address + (u64)at->frame_trace, pm_layout_u64(block, at->frame_trace),
                sizeof(u64));
    }
}

/* False if the frame cannot be read or its pointers make no sense. */
static bool read_frame(struct walk *walk, u64 address, struct frame_view *view)
{
    const struct pm_layout *layout = walk->layout;
    const struct pm_layout_numbers *at = &layout->at;
    u8 block[PM_LAYOUT_FRAME_BYTES];

    if (!read_block(walk->reader, address, block, (size_t)at->frame_bytes))
        return false;
    view->back = pm_layout_u64(block, at->frame_back);
    view->code = pm_layout_u64(block, at->frame_code) & ~(u64)at->code_tag_bits;
    if (layout->position == PM_POSITION_POINTER)
        view->position = pm_layout_u64(block, at->frame_position);
    else
        view->position = (u64)(i64)pm_layout_i32(block, at->frame_position);
    view->owner = at->frame_owner == PM_LAYOUT_ABSENT ? 0 : block[at->frame_owner];
    view->entry = is_entry(layout, block);
    if (walk->trace != NULL)
        rely_on_frame(walk, address, view, block);
    return ((view->back | view->code) & 7) == 0;
}

static bool is_shim(const struct pm_layout *layout, const struct frame_view *view)
{
    return has_shims(layout) && view->owner == layout->at.owner_shim;
}

/* Whether a shim is the thread state's own outermost frame, which belongs to no call. */
static bool is_base(const struct pm_layout *layout, const struct frame_view *view)
{
    return layout->entry == PM_ENTRY_SHIM_BASE && view->back == 0;
}

/* Sets *complete to the opposite of CPython's _PyFrame_IsIncomplete. False if it cannot be read. */
static bool read_complete(struct walk *walk, u64 address, const struct frame_view *view,
                          bool *complete)
{
    const struct pm_layout_numbers *at = &walk->layout->at;
    u64 place = view->code + (u64)at->code_first_traceable;
    u32 first_traceable;

    *complete = true;
    if (walk->layout->complete == PM_COMPLETE_ALWAYS)
        return true;
    bool known = pm_reader_read_u32(walk->reader, place, &first_traceable);
    bool begun = known && view->position >= view->code + (u64)at->code_instructions
                                            + (u64)first_traceable * 2;
    if (!begun) {
        rely_on(walk, address + (u64)at->frame_owner, view->owner, sizeof view->owner);
        if (view->owner == at->owner_generator)
            return true;
    }
    *complete = begun;
    /* Nobody watches whether the code object of an unreported frame lives on. */
    if (known && (!begun || walk->count == walk->capacity))
        rely_on(walk, place, first_traceable, sizeof first_traceable);
    return known;
}

static void end_group(struct walk *walk)
{
    if (walk->group_open)
        walk->frames[walk->count - 1].entry = true;
    else
        walk->empty_entries++;
    walk->group_open = false;
}

static void report_frame(struct walk *walk, const struct frame_view *view)
{
    walk->frames[walk->count++] = (struct pm_raw_frame){
        .code = view->code,
        .position = view->position,
        .empty_entries = walk->empty_entries,
    };
    walk->empty_entries = 0;
    walk->group_open = true;
}

/* Ends the groups that the frame at address does not belong to; 0 is the end of the chain. False if
   the next call cannot be read. */
static bool end_calls(struct walk *walk, u64 address)
{
    while (walk->in_call && address != 0 && address == walk->group_end) {
        end_group(walk);
        if (!enter_call(walk))
            return false;
    }
    if (walk->in_call && address == 0)
        end_group(walk);
    return true;
}

/* The state of the walk before the frame at address. */
static struct pm_rewalk_state state_of(const struct walk *walk, u64 address)
{
    return (struct pm_rewalk_state){
        .address = address,
        .cframe = walk->cframe,
        .group_end = walk->group_end,
        .empty_entries = walk->empty_entries,
        .group_open = walk->group_open,
        .in_call = walk->in_call,
    };
}

/* Whether the rest, then at *rest, is as in the last walk. If not, remembers this state. */
static bool comes_to_known(struct walk *walk, u64 address, const struct pm_rewalk_step **rest)
{
    const struct pm_rewalk_state state = state_of(walk, address);

    *rest = pm_rewalk_find(walk->rewalk, &state, walk->count, walk->capacity);
    if (*rest == NULL)
        pm_rewalk_take(walk->rewalk, &state, walk->count);
    return *rest != NULL;
}

/* Reads the frame at address and reports it if it is complete. False if the walk ends here. */
static bool pass_frame(struct walk *walk, u64 address, struct frame_view *view,
                       enum pm_walk_end *end)
{
    bool complete;

    if (!read_frame(walk, address, view))
        return false;
    if (is_shim(walk->layout, view)) {
        if (!is_base(walk->layout, view))
            end_group(walk);
        return true;
    }
    if (view->code == 0 || !read_complete(walk, address, view, &complete))
        return false;
    if (complete) {
        if (walk->count == walk->capacity) {
            *end = PM_WALK_LIMIT;
            return false;
        }
        report_frame(walk, view);
    }
    if (view->entry)
        end_group(walk);
    return true;
}

static enum pm_walk_end walk_chain(struct walk *walk, u64 anchor,
                                   const struct pm_rewalk_step **rest)
{
    struct circle_guard guard = { .renew_at = 1 };
    enum pm_walk_end end = PM_WALK_UNREADABLE;
    struct frame_view view;
    u64 address;

    if (!innermost(walk, anchor, &address))
        return end;
    for (;; address = view.back) {
        if (!end_calls(walk, address))
            return end;
        if (address == 0)
            return PM_WALK_COMPLETE;
        if (walk->rewalk != NULL && comes_to_known(walk, address, rest))
            return walk->rewalk->cut ? PM_WALK_LIMIT : PM_WALK_COMPLETE;
        if (in_circle(&guard, address) || !pass_frame(walk, address, &view, &end))
            return end;
    }
}

unsigned pm_walk_traced(const struct pm_interpreter *interpreter, struct pm_reader *reader,
                        u64 anchor, struct pm_raw_frame *frames, unsigned capacity,
                        enum pm_walk_end *end, struct pm_trace *trace)
{
    struct walk walk = {
        .layout = interpreter->layout, .reader = reader, .frames = frames, .capacity = capacity,
        .trace = trace,
        .cframes = { .renew_at = 1 },
    };

    *end = walk_chain(&walk, anchor, NULL);
    return walk.count;
}

unsigned pm_walk_again(const struct pm_interpreter *interpreter, struct pm_rewalk *rewalk,
                       u64 anchor, struct pm_raw_frame *frames, unsigned capacity,
                       enum pm_walk_end *end, unsigned *same)
{
    struct walk walk = {
        .layout = interpreter->layout, .reader = rewalk->reader,
        .frames = frames, .capacity = capacity,
        .trace = &rewalk->trace,
        .rewalk = rewalk,
        .cframes = { .renew_at = 1 },
    };
    const struct pm_rewalk_step *rest = NULL;

    if (pm_rewalk_begin(rewalk, anchor, capacity)) {
        *same = rewalk->total;
        *end = rewalk->cut ? PM_WALK_LIMIT : PM_WALK_COMPLETE;
        return 0;
    }
    *end = walk_chain(&walk, anchor, &rest);
    *same = rest != NULL ? rest->frames : 0;
    if (*end == PM_WALK_UNREADABLE)
        pm_rewalk_forget(rewalk);
    else
        pm_rewalk_end(rewalk, rest, walk.count, *end == PM_WALK_LIMIT);
    return walk.count;
}

static u64 position_at(const struct pm_layout *layout, struct pm_reader *reader, u64 frame)
{
    u64 place = frame + (u64)layout->at.frame_position, position = 0;
    u32 index = 0;

    if (layout->position == PM_POSITION_POINTER)
        pm_reader_read_u64(reader, place, &position);
    else if (pm_reader_read_u32(reader, place, &index))
        position = index;
    return position;
}

u64 pm_walk_peek(const struct pm_interpreter *interpreter, struct pm_reader *reader, u64 anchor)
{
    const struct pm_layout *layout = interpreter->layout;
    u64 frame = anchor, outer;

    if (layout->anchor != PM_ANCHOR_FRAME
            && !pm_reader_read_u64(reader, frame + (u64)layout->at.thread_frame, &frame))
        return 0;
    if (layout->anchor == PM_ANCHOR_CFRAME
            && !pm_reader_read_u64(reader, frame + (u64)layout->at.cframe_frame, &frame))
        return 0;
    if (frame == 0)
        return 0;
    u64 hash = frame ^ position_at(layout, reader, frame) << 12;
    if (pm_reader_read_u64(reader, frame + (u64)layout->at.frame_back, &outer) && outer != 0)
        hash ^= position_at(layout, reader, outer) << 32;
    return hash;
}
