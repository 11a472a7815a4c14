/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heap/pm_record_filter.h"

#include "base/pm_pattern.h"
#include "base/pm_platform.h"

static bool is_object(const struct pm_record_filter *only, const char *path, size_t length)
{
    for (u32 i = 0; i < only->object_count; i++)
        if (pm_pattern_matches_object(only->objects[i], pm_length(only->objects[i]), path, length))
            return true;
    return false;
}

static bool is_file(const struct pm_record_filter *only, const char *path, size_t length)
{
    for (u32 i = 0; i < only->file_count; i++)
        if (pm_pattern_matches_end(only->files[i], pm_length(only->files[i]), path, length, '/'))
            return true;
    return false;
}

bool pm_record_filter_accepts(const struct pm_record_filter *only, const struct pm_strings *strings,
                   const struct pm_frames *frames, const struct pm_stacks *stacks,
                   struct pm_stack_id stack)
{
    bool object = only->object_count == 0, file = only->file_count == 0;

    for (; stack.v != 0 && !(object && file); stack = pm_stacks_node(stacks, stack).parent) {
        const struct pm_frame *frame = pm_frames_get(frames, pm_stacks_node(stacks, stack).frame);
        struct pm_string_id name = frame->kind == PM_FRAME_PYTHON ? frame->file : frame->object;
        const char *path = pm_strings_text(strings, name);
        size_t length = pm_strings_length(strings, name);
        if (frame->kind == PM_FRAME_NATIVE)
            object = object || is_object(only, path, length);
        else if (frame->kind == PM_FRAME_PYTHON)
            file = file || is_file(only, path, length);
    }
    return object && file;
}
