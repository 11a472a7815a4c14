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

static bool has_phase(const struct pm_record_filter *filter, const struct pm_loss *loss)
{
    if (filter->phases == 0 || loss->is_static)
        return true;
    for (u32 phase = 0; phase < PM_PHASES; phase++)
        if ((filter->phases & PM_RECORD_FILTER_PHASE(phase)) && loss->phase_blocks[phase] > 0)
            return true;
    return false;
}

bool pm_record_filter_accepts(const struct pm_record_filter *filter, const struct pm_tables *tables,
                              const struct pm_loss *loss)
{
    struct pm_stack_id stack = loss->stack;
    bool object = filter->object_count == 0, file = filter->file_count == 0;

    if (!has_phase(filter, loss))
        return false;
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

bool pm_record_filter_parse_phases(const char *text, u32 *phases)
{
    static const char *const words[PM_PHASES] = {
        [PM_PHASE_IMPORT] = "import",
        [PM_PHASE_MAIN] = "main",
        [PM_PHASE_FINALIZATION] = "finalization",
    };
    u32 found = 0;

    for (;;) {
        size_t length = 0;
        u32 phase = 0;
        while (text[length] != '\0' && text[length] != ',')
            length++;
        while (phase < PM_PHASES && (pm_length(words[phase]) != length
                                     || pm_compare(text, words[phase], length) != 0))
            phase++;
        if (phase == PM_PHASES)
            return false;
        found |= PM_RECORD_FILTER_PHASE(phase);
        if (text[length] == '\0')
            break;
        text += length + 1;
    }
    *phases = found;
    return true;
}
