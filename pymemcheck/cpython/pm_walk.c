/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The chain is a linked list of frames, innermost first. Each frame is read
   once, as one block that ends after the last field wanted, into a view that
   is the same for every version; what the walk does with a view depends only
   on the kinds of the layout.

   Frames come in groups: those that one C call of the evaluation function
   runs. Where a group ends is told by the frame itself, or by a shim outside
   it. A group whose only frame is not yet complete (it is still making its
   cells, say, which allocates) has no frame to report; it is counted in the
   next outer frame, so that the native stack can still be matched.

   A damaged chain may run in a circle, also through frames that are passed
   over. Brent's method finds that: remember one address, compare each later one with
   it, and replace it after 1, 2, 4, 8 ... steps. */
#include "cpython/pm_walk.h"

struct frame_view {
    u64 back;
    u64 code;
    u64 position;
    u8 owner;
    bool entry;
};

struct walk {
    const struct pm_layout *layout;
    struct pm_reader *reader;
    struct pm_raw_frame *frames;
    unsigned count;
    bool group_open;        /* frames of the current group were reported */
    u32 empty_entries;      /* groups without any, since the last frame reported */
};

struct circle_guard {
    u64 remembered;
    unsigned steps;
    unsigned renew_at;
};

static bool innermost(const struct pm_layout *layout, struct pm_reader *reader, u64 anchor,
                      u64 *frame)
{
    u64 cframe;

    switch (layout->anchor) {
    case PM_ANCHOR_FRAME:
        *frame = anchor;
        return true;
    case PM_ANCHOR_THREAD:
        return pm_reader_read_u64(reader, anchor + (u64)layout->at.thread_frame, frame);
    case PM_ANCHOR_CFRAME:
        return pm_reader_read_u64(reader, anchor + (u64)layout->at.thread_frame, &cframe)
               && pm_reader_read_u64(reader, cframe + (u64)layout->at.cframe_frame, frame);
    }
    return false;
}

/* Copies the part of a frame that holds the fields wanted. A size known to the
   compiler is copied in registers; this one is that of 3.11 to 3.13. */
static bool read_block(struct pm_reader *reader, u64 address, u8 *block, size_t bytes)
{
    enum { INTERPRETER_FRAME_BYTES = 72 };

    if (bytes == INTERPRETER_FRAME_BYTES)
        return pm_reader_read(reader, address, block, INTERPRETER_FRAME_BYTES);
    return pm_reader_read(reader, address, block, bytes);
}

/* False when the frame cannot be read or its pointers cannot be right. */
static bool read_frame(const struct walk *walk, u64 address, struct frame_view *view)
{
    const struct pm_layout *layout = walk->layout;
    const struct pm_layout_numbers *at = &layout->at;
    u8 block[PM_LAYOUT_FRAME_BYTES];

    if (!read_block(walk->reader, address, block, (size_t)at->frame_bytes))
        return false;
    view->back = pm_layout_u64(block, at->frame_back);
    view->code = pm_layout_u64(block, at->frame_code);
    if (layout->position == PM_POSITION_POINTER)
        view->position = pm_layout_u64(block, at->frame_position);
    else
        view->position = (u64)(i64)pm_layout_i32(block, at->frame_position);
    view->owner = at->frame_owner == PM_LAYOUT_ABSENT ? 0 : block[at->frame_owner];
    view->entry = layout->entry == PM_ENTRY_EACH
                  || (layout->entry == PM_ENTRY_FLAG && block[at->frame_entry] != 0);
    return ((view->back | view->code) & 7) == 0;
}

static bool is_shim(const struct pm_layout *layout, const struct frame_view *view)
{
    return layout->entry == PM_ENTRY_SHIM && view->owner == layout->at.owner_cstack;
}

/* What CPython's _PyFrame_IsIncomplete denies. False when it cannot be told. */
static bool read_complete(const struct walk *walk, const struct frame_view *view, bool *complete)
{
    const struct pm_layout_numbers *at = &walk->layout->at;
    u32 first_traceable;

    *complete = true;
    if (walk->layout->complete == PM_COMPLETE_ALWAYS || view->owner == at->owner_generator)
        return true;
    if (!pm_reader_read_u32(walk->reader, view->code + (u64)at->code_first_traceable,
                            &first_traceable))
        return false;
    *complete = view->position
                >= view->code + (u64)at->code_instructions + (u64)first_traceable * 2;
    return true;
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

/* True when the chain came back to where it was. */
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

unsigned pm_walk_frames(const struct pm_interpreter *interpreter, struct pm_reader *reader,
                        u64 anchor, struct pm_raw_frame *frames, unsigned capacity,
                        enum pm_walk_end *end)
{
    struct walk walk = { .layout = interpreter->layout, .reader = reader, .frames = frames };
    struct circle_guard guard = { .renew_at = 1 };
    struct frame_view view;
    bool complete;
    u64 address;

    *end = PM_WALK_UNREADABLE;
    if (!innermost(walk.layout, reader, anchor, &address))
        return 0;
    for (; address != 0; address = view.back) {
        if (in_circle(&guard, address) || !read_frame(&walk, address, &view))
            return walk.count;
        if (is_shim(walk.layout, &view)) {
            end_group(&walk);
            continue;
        }
        if (view.code == 0 || !read_complete(&walk, &view, &complete))
            return walk.count;
        if (complete) {
            if (walk.count == capacity) {
                *end = PM_WALK_LIMIT;
                return walk.count;
            }
            report_frame(&walk, &view);
        }
        if (view.entry)
            end_group(&walk);
    }
    *end = PM_WALK_COMPLETE;
    return walk.count;
}
