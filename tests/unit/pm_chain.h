/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Made-up chains of frames, for every layout row, and a walk over them. */
#ifndef PM_CHAIN_H
#define PM_CHAIN_H

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "cpython/pm_walk.h"
#include "pm_image.h"

enum {
    ANCHOR = 0x10000,
    CFRAME = 0x11000,       /* one for each group, in each page from here on */
    CODE = 0x20000,         /* one code object in each page from here on */
    FRAMES = 0x100000,      /* one frame in each page from here on, shims between */
    SHIM = 0x800,           /* a shim is in the page of the frame just inside it */
    BASE = 0x18000,         /* the thread state's own frame */
    PAGE = 0x1000,
    MAX = 32,
};

/* What the tests say about a frame, innermost first. */
struct made_frame {
    i32 unit;               /* code unit it is at */
    bool entry;             /* ends its group; if not, in 3.10: its generator waits */
    bool generator;
};

struct chain {
    struct pm_image image;
    struct pm_interpreter interpreter;
    struct pm_raw_frame found[MAX];
    unsigned count;
    enum pm_walk_end end;
};

static inline u64 frame_address(size_t index)
{
    return FRAMES + (u64)index * PAGE;
}

static inline u64 anchor_of(const struct pm_layout *layout)
{
    return layout->anchor == PM_ANCHOR_FRAME ? frame_address(0) : (u64)ANCHOR;
}

static inline u64 cframe_address(size_t group)
{
    return CFRAME + (u64)group * PAGE;
}

static inline void put_cframe(struct chain *chain, size_t group, u64 frame, u64 previous)
{
    const struct pm_layout_numbers *at = &chain->interpreter.layout->at;

    pm_image_put_u64(&chain->image, cframe_address(group) + (u64)at->cframe_frame, frame);
    if (at->cframe_previous != PM_LAYOUT_ABSENT)
        pm_image_put_u64(&chain->image, cframe_address(group) + (u64)at->cframe_previous, previous);
}

static inline void put_anchor(struct chain *chain, u64 frame)
{
    const struct pm_layout *layout = chain->interpreter.layout;
    u64 thread_field = ANCHOR + (u64)layout->at.thread_frame;

    if (layout->anchor == PM_ANCHOR_THREAD) {
        pm_image_put_u64(&chain->image, thread_field, frame);
    } else if (layout->anchor == PM_ANCHOR_CFRAME) {
        pm_image_put_u64(&chain->image, thread_field, CFRAME);
        put_cframe(chain, 0, frame, 0);
    }
}

/* One for each group, and the thread state's own. */
static inline void put_cframes(struct chain *chain, const struct made_frame *frames, size_t count, u64 last)
{
    size_t group = 0;
    u64 first = count > 0 ? frame_address(0) : 0;

    for (size_t i = 0; i < count; i++) {
        if (!frames[i].entry)
            continue;
        put_cframe(chain, group, first, cframe_address(group + 1));
        group++;
        first = i + 1 < count ? frame_address(i + 1) : last;
    }
    put_cframe(chain, group, first, 0);
}

static inline u64 position_of(const struct pm_layout *layout, size_t index, i32 unit)
{
    u64 code = CODE + (u64)index * PAGE;

    switch (layout->position) {
    case PM_POSITION_POINTER:
        return code + (u64)layout->at.code_instructions + (u64)((i64)unit * 2);
    case PM_POSITION_UNITS:
        return (u64)(i64)unit;
    default:
        return (u64)((i64)unit * 2);
    }
}

static inline void put_frame(struct chain *chain, size_t index, const struct made_frame *frame, u64 back)
{
    const struct pm_layout *layout = chain->interpreter.layout;
    const struct pm_layout_numbers *at = &layout->at;
    u64 address = frame_address(index), code = CODE + (u64)index * PAGE;
    u64 position = position_of(layout, index, frame->unit);

    pm_image_put_u64(&chain->image, address + at->frame_back, back);
    /* Any tag must be taken off: here the low ones of the bits that there are. */
    pm_image_put_u64(&chain->image, address + at->frame_code,
                     code | ((u64)at->code_tag_bits & (index + 1)));
    if (layout->position == PM_POSITION_POINTER)
        pm_image_put_u64(&chain->image, address + at->frame_position, position);
    else
        pm_image_put_u32(&chain->image, address + at->frame_position, (u32)position);
    if (layout->entry == PM_ENTRY_RUNNING)
        pm_image_put_u32(&chain->image, address + at->frame_stack_depth,
                         frame->entry ? UINT32_MAX : 1);
    if (at->frame_owner != PM_LAYOUT_ABSENT)
        pm_image_put_u8(&chain->image, address + at->frame_owner,
                        (u8)(frame->generator ? at->owner_generator : 0));
    if (layout->complete == PM_COMPLETE_TRACEABLE)
        pm_image_put_u32(&chain->image, code + at->code_first_traceable,
                         PM_IMAGE_FIRST_TRACEABLE);
}

/* As 3.13 has it: no code at all. */
static inline void put_shim(struct chain *chain, u64 address, u64 back)
{
    const struct pm_layout_numbers *at = &chain->interpreter.layout->at;

    pm_image_put_u64(&chain->image, address + at->frame_back, back);
    pm_image_put_u64(&chain->image, address + at->frame_code, 0);
    pm_image_put_u8(&chain->image, address + at->frame_owner, (u8)at->owner_shim);
}

/* Builds the chain; the outermost frame points back to last. */
static inline void make(struct chain *chain, const struct pm_layout *layout,
                 const struct made_frame *frames, size_t count, u64 last)
{
    memset(chain, 0, sizeof *chain);
    pm_image_init(&chain->image);
    chain->interpreter.layout = layout;
    if (layout->entry == PM_ENTRY_SHIM_BASE && last == 0) {
        last = BASE;
        put_shim(chain, BASE, 0);
    }
    put_anchor(chain, count > 0 ? frame_address(0) : last);
    if (layout->entry == PM_ENTRY_CFRAME)
        put_cframes(chain, frames, count, last);
    for (size_t i = 0; i < count; i++) {
        u64 back = i + 1 < count ? frame_address(i + 1) : last;

        if (layout->at.owner_shim != PM_LAYOUT_ABSENT && frames[i].entry) {
            put_shim(chain, frame_address(i) + SHIM, back);
            back = frame_address(i) + SHIM;
        }
        put_frame(chain, i, &frames[i], back);
    }
}

static inline void walk(struct chain *chain, unsigned capacity)
{
    chain->count = pm_walk_frames(&chain->interpreter, &chain->image.reader,
                                  anchor_of(chain->interpreter.layout), chain->found, capacity,
                                  &chain->end);
}

#define FOR_EACH_ROW(layout) \
    const struct pm_layout *layout; \
    (void)state; \
    assert_non_null(pm_layout_row(0)); \
    for (size_t row = 0; ((layout) = pm_layout_row(row)) != NULL; row++)

#endif
