/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpython/pm_frame_values.h"

enum { WORD = sizeof(u64) };

#define ITEMS_MAX ((u64)1 << 24)        /* of locals and stack of one frame */

/* Sets *top to the end of the used part of the stack, which begins at values. */
static bool find_top(const struct pm_layout *layout, struct pm_reader *reader, u64 frame, u64 values,
                     u64 *top)
{
    const struct pm_layout_numbers *at = &layout->at;
    u8 executing;
    u32 depth;

    if (layout->values == PM_VALUES_DEPTH) {
        if (!pm_reader_read_u32(reader, frame + (u64)at->frame_stack_depth, &depth) || (i32)depth < 0)
            return false;
        *top = values + (u64)depth * WORD;
        return true;
    }
    if (!pm_reader_read(reader, frame + (u64)at->frame_executing, &executing, 1)
            || !pm_reader_read_u64(reader, frame + (u64)at->frame_values_top, top)
            || (*top == 0 && executing != 0))
        return false;
    if (*top == 0)
        *top = values;
    return true;
}

bool pm_frame_unused_values(const struct pm_layout *layout, struct pm_reader *reader, u64 frame,
                            u64 *first, u64 *end)
{
    const struct pm_layout_numbers *at = &layout->at;
    u64 values, count;

    if (layout->values == PM_VALUES_UNTOLD
            || !pm_reader_read_u64(reader, frame + (u64)at->frame_values, &values)
            || !pm_reader_read_u64(reader, frame + (u64)at->object_size, &count)
            || !find_top(layout, reader, frame, values, first))
        return false;
    u64 locals = frame + (u64)at->frame_locals;
    *end = locals + count * WORD;
    return count <= ITEMS_MAX && values >= locals && *first >= values && *first < *end
           && *first % WORD == 0;
}
