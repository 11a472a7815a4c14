/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tool/trace/pm_frame_view.h"

#include "base/pm_reader.h"

enum { MOST_SHIMS = 8 };

static const struct pm_layout *layout_of(const struct pm_python *python)
{
    return python->interpreter.layout;
}

bool pm_frame_view_read(const struct pm_python *python, u64 frame, struct pm_frame_view *view)
{
    const struct pm_layout *layout = layout_of(python);
    const struct pm_layout_numbers *at = &layout->at;
    u8 block[PM_LAYOUT_FRAME_BYTES];

    if (frame == 0 || !pm_reader_read(python->reader, frame, block, (size_t)at->frame_bytes))
        return false;
    view->back = pm_layout_u64(block, at->frame_back);
    view->code = pm_layout_u64(block, at->frame_code) & ~(u64)at->code_tag_bits;
    view->position = layout->position == PM_POSITION_POINTER ? pm_layout_u64(block, at->frame_position)
        : (u64)(i64)pm_layout_i32(block, at->frame_position);
    view->owner = at->frame_owner == PM_LAYOUT_ABSENT ? 0 : block[at->frame_owner];
    return true;
}

static bool is_shim(const struct pm_layout *layout, const struct pm_frame_view *view)
{
    return (layout->entry == PM_ENTRY_SHIM || layout->entry == PM_ENTRY_SHIM_BASE)
        && view->owner == layout->at.owner_shim;
}

u64 pm_frame_view_real(const struct pm_python *python, u64 frame)
{
    struct pm_frame_view view;

    for (int i = 0; i < MOST_SHIMS && pm_frame_view_read(python, frame, &view); i++) {
        if (!is_shim(layout_of(python), &view))
            return frame;
        frame = view.back;
    }
    return 0;
}

u64 pm_frame_view_caller(const struct pm_python *python, u64 frame)
{
    struct pm_frame_view view;
    return pm_frame_view_read(python, frame, &view) ? pm_frame_view_real(python, view.back) : 0;
}

static bool is_generator(const struct pm_layout *layout, const struct pm_frame_view *view)
{
    return layout->at.frame_owner != PM_LAYOUT_ABSENT && view->owner == layout->at.owner_generator;
}

bool pm_frame_view_has_begun(const struct pm_python *python, const struct pm_frame_view *view)
{
    const struct pm_layout *layout = layout_of(python);
    u32 first;

    if (layout->complete == PM_COMPLETE_ALWAYS || is_generator(layout, view))
        return true;
    return pm_reader_read_u32(python->reader, view->code + (u64)layout->at.code_first_traceable, &first)
        && view->position >= view->code + (u64)layout->at.code_instructions + (u64)first * 2;
}

bool pm_frame_view_is_new(const struct pm_python *python, const struct pm_frame_view *view)
{
    const struct pm_layout *layout = layout_of(python);
    return layout->complete == PM_COMPLETE_ALWAYS ? (i64)view->position < 0 : !is_generator(layout, view);
}

struct pm_frame_id pm_frame_view_line(struct pm_python *python, const struct pm_frame_view *view)
{
    const struct pm_raw_frame raw = { .code = view->code, .position = view->position };
    bool unsteady;
    return pm_python_resolve(python, &raw, &unsteady);
}

struct pm_frame_id pm_frame_view_first_line(struct pm_python *python, const struct pm_frame_view *view)
{
    struct pm_frame frame = *pm_frames_get(python->frames, pm_frame_view_line(python, view));
    u32 line;

    if (frame.kind == PM_FRAME_PYTHON
            && pm_reader_read_u32(python->reader, view->code + (u64)layout_of(python)->at.code_first_line, &line))
        frame.line = line;
    return pm_frames_intern(python->frames, &frame);
}
