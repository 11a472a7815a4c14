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

struct pm_event_match pm_event_filter_begin(const struct pm_event_filter *filter)
{
    return (struct pm_event_match){ .file = filter->files.count == 0, .function = filter->functions.count == 0,
                                    .object = filter->objects.count == 0 };
}

static bool is_complete(const struct pm_event_match *match)
{
    return match->file && match->function && match->object;
}

void pm_event_filter_match(const struct pm_event_filter *filter, const struct pm_tables *tables, struct pm_frame_id id,
                           struct pm_event_match *match)
{
    const struct pm_frame *frame = pm_frames_get(tables->frames, id);

    if (frame->kind == PM_FRAME_NOTE || is_complete(match))
        return;
    const bool python = frame->kind == PM_FRAME_PYTHON;
    const struct pm_string_id place = python ? frame->file : frame->object;
    const char *path = pm_strings_text(tables->strings, place);
    const size_t length = pm_strings_length(tables->strings, place);

    if (python)
        match->file = match->file || matches_end(&filter->files, path, length, '/');
    else
        match->object = match->object || matches_object(&filter->objects, path, length);
    match->function = match->function
        || matches_end(&filter->functions, pm_strings_text(tables->strings, frame->function),
                       pm_strings_length(tables->strings, frame->function), '.');
}

bool pm_event_filter_accepts_stack(const struct pm_event_filter *filter, const struct pm_tables *tables,
                                   struct pm_stack_id stack)
{
    struct pm_event_match match = pm_event_filter_begin(filter);

    for (; stack.v != 0 && !is_complete(&match); stack = pm_stacks_node(tables->stacks, stack).parent)
        pm_event_filter_match(filter, tables, pm_stacks_node(tables->stacks, stack).frame, &match);
    return is_complete(&match);
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
