/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heap/pm_event_filter.h"

#include "base/pm_pattern.h"
#include "base/pm_platform.h"

void pm_event_filter_init(struct pm_event_filter *filter)
{
    *filter = (struct pm_event_filter){ .most_bytes = ~0ull };
}

bool pm_event_filter_is_empty(const struct pm_event_filter *filter)
{
    return filter->files.count == 0 && filter->functions.count == 0 && filter->objects.count == 0
        && filter->thread_count == 0 && filter->least_bytes == 0 && filter->most_bytes == ~0ull;
}

/* Whether one of the patterns matches what follows a separator in text, or all of it. */
static bool matches_end(const struct pm_event_patterns *patterns, const char *text, size_t length, char separator)
{
    for (u32 i = 0; i < patterns->count; i++)
        if (pm_pattern_matches_end(patterns->patterns[i], pm_length(patterns->patterns[i]), text, length, separator))
            return true;
    return false;
}

static bool matches_object(const struct pm_event_patterns *patterns, const char *path, size_t length)
{
    for (u32 i = 0; i < patterns->count; i++)
        if (pm_pattern_matches_object(patterns->patterns[i], pm_length(patterns->patterns[i]), path, length))
            return true;
    return false;
}

bool pm_event_filter_accepts_stack(const struct pm_event_filter *filter, const struct pm_tables *tables,
                                   struct pm_stack_id stack)
{
    bool file = filter->files.count == 0, function = filter->functions.count == 0;
    bool object = filter->objects.count == 0;

    for (; stack.v != 0 && !(file && function && object); stack = pm_stacks_node(tables->stacks, stack).parent) {
        const struct pm_frame *frame = pm_frames_get(tables->frames, pm_stacks_node(tables->stacks, stack).frame);
        if (frame->kind == PM_FRAME_NOTE)
            continue;
        const bool python = frame->kind == PM_FRAME_PYTHON;
        const struct pm_string_id place = python ? frame->file : frame->object;
        const char *path = pm_strings_text(tables->strings, place);
        const size_t length = pm_strings_length(tables->strings, place);
        if (python)
            file = file || matches_end(&filter->files, path, length, '/');
        else
            object = object || matches_object(&filter->objects, path, length);
        function = function || matches_end(&filter->functions, pm_strings_text(tables->strings, frame->function),
                                           pm_strings_length(tables->strings, frame->function), '.');
    }
    return file && function && object;
}

bool pm_event_filter_accepts_bytes(const struct pm_event_filter *filter, u64 bytes)
{
    return bytes >= filter->least_bytes && bytes <= filter->most_bytes;
}

bool pm_event_filter_accepts_thread(const struct pm_event_filter *filter, u32 thread)
{
    for (u32 i = 0; i < filter->thread_count; i++)
        if (filter->threads[i] == thread)
            return true;
    return filter->thread_count == 0;
}
