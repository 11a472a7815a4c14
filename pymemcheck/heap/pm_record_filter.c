/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heap/pm_record_filter.h"

#include "base/pm_pattern.h"
#include "base/pm_platform.h"

static bool is_object(const struct pm_record_filter *filter, const char *path, size_t length)
{
    for (u32 i = 0; i < filter->object_count; i++)
        if (pm_pattern_matches_object(filter->objects[i], pm_length(filter->objects[i]), path, length))
            return true;
    return false;
}

static bool is_file(const struct pm_record_filter *filter, const char *path, size_t length)
{
    for (u32 i = 0; i < filter->file_count; i++)
        if (pm_pattern_matches_end(filter->files[i], pm_length(filter->files[i]), path, length, '/'))
            return true;
    return false;
}

bool pm_record_filter_accepts(const struct pm_record_filter *filter, const struct pm_tables *tables,
                              struct pm_stack_id stack)
{
    bool object = filter->object_count == 0, file = filter->file_count == 0;

    for (; stack.v != 0 && !(object && file); stack = pm_stacks_node(tables->stacks, stack).parent) {
        struct pm_frame_id id = pm_stacks_node(tables->stacks, stack).frame;
        const struct pm_frame *frame = pm_frames_get(tables->frames, id);
        struct pm_string_id name = frame->kind == PM_FRAME_PYTHON ? frame->file : frame->object;
        const char *path = pm_strings_text(tables->strings, name);
        size_t length = pm_strings_length(tables->strings, name);
        if (frame->kind == PM_FRAME_NATIVE)
            object = object || is_object(filter, path, length);
        else if (frame->kind == PM_FRAME_PYTHON)
            file = file || is_file(filter, path, length);
    }
    return object && file;
}
