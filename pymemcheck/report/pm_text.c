/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/pm_text_parts.h"

#include "base/pm_platform.h"

void pm_text_end_line(struct pm_text *text)
{
    pm_buffer_add_char(&text->line, '\n');
    pm_sink_write(text->sink, text->line.bytes, text->line.length);
    pm_buffer_clear(&text->line);
}

void pm_text_put_line(struct pm_text *text, const char *line)
{
    pm_text_add(text, line);
    pm_text_end_line(text);
}

void pm_text_add(struct pm_text *text, const char *words)
{
    pm_buffer_add_text(&text->line, words);
}

void pm_text_add_number(struct pm_text *text, u64 value)
{
    pm_buffer_add_u64_grouped(&text->line, value);
}

void pm_text_add_number_right(struct pm_text *text, u64 value, size_t width)
{
    struct pm_buffer digits;

    pm_buffer_init(&digits);
    pm_buffer_add_u64_grouped(&digits, value);
    pm_buffer_add_repeated(&text->line, ' ', digits.length < width ? width - digits.length : 0);
    pm_buffer_add_text(&text->line, digits.bytes);
    pm_buffer_release(&digits);
}

void pm_text_add_counted(struct pm_text *text, u64 value, const char *noun)
{
    pm_text_add_number(text, value);
    pm_text_add(text, " ");
    pm_text_add(text, noun);
    if (value != 1)
        pm_text_add(text, "s");
}

void pm_text_add_bytes_in_blocks(struct pm_text *text, u64 bytes, u64 blocks)
{
    pm_text_add_number(text, bytes);
    pm_text_add(text, " bytes in ");
    pm_text_add_number(text, blocks);
    pm_text_add(text, " blocks");
}

static u32 interpreter_of(const struct pm_text *text, struct pm_stack_id stack)
{
    while (stack.v != 0) {
        struct pm_stack_node node = pm_stacks_node(text->profile->stacks, stack);
        const struct pm_frame *frame = pm_frames_get(text->profile->frames, node.frame);
        if (frame->kind == PM_FRAME_NATIVE && (frame->flags & PM_FRAME_EVAL))
            return frame->object.v;
        stack = node.parent;
    }
    return 0;
}

struct pm_text_left_out pm_text_left_out_begin(const struct pm_text *text, struct pm_stack_id stack)
{
    return (struct pm_text_left_out){ .interpreter = interpreter_of(text, stack) };
}

static bool is_beyond(unsigned count, unsigned limit)
{
    return limit != 0 && count >= limit;
}

bool pm_text_counts(const struct pm_text *text, struct pm_text_left_out *left_out,
                    const struct pm_frame *frame)
{
    if (frame->kind == PM_FRAME_PYTHON) {
        left_out->natives = 0;
        if (is_beyond(left_out->pythons, text->options->python_frames)) {
            left_out->hidden_pythons++;
            return false;
        }
        left_out->pythons++;
    } else if (frame->kind == PM_FRAME_NATIVE && !(frame->flags & (PM_FRAME_ALLOCATOR | PM_FRAME_EVAL))
               && (left_out->interpreter == 0 || frame->object.v != left_out->interpreter)) {
        if (!text->options->whole_stacks && is_beyond(left_out->natives, text->options->native_frames)) {
            left_out->hidden_natives++;
            return false;
        }
        left_out->natives++;
    }
    return true;
}

void pm_text_put_hidden(struct pm_text *text, struct pm_text_left_out *left_out, size_t indent)
{
    const unsigned natives = left_out->hidden_natives, pythons = left_out->hidden_pythons;

    left_out->hidden_natives = left_out->hidden_pythons = 0;
    if (natives == 0 && pythons == 0)
        return;
    pm_buffer_add_repeated(&text->line, ' ', indent);
    pm_text_add(text, "[ ... not shown: ");
    if (natives > 0)
        pm_text_add_counted(text, natives, "native frame");
    if (natives > 0 && pythons > 0)
        pm_text_add(text, ", ");
    if (pythons > 0)
        pm_text_add_counted(text, pythons, "Python frame");
    pm_text_put_line(text, " ]");
}

void pm_text_init(struct pm_text *text, const struct pm_profile *profile,
                  const struct pm_text_options *options, const struct pm_sink *sink)
{
    *text = (struct pm_text){ .profile = profile, .options = options, .sink = sink };
    pm_buffer_init(&text->line);
    pm_labels_init(&text->labels, profile);
}

void pm_text_release(struct pm_text *text)
{
    pm_labels_release(&text->labels);
    pm_buffer_release(&text->line);
}

void pm_text_add_place(struct pm_text *text, struct pm_stack_id stack)
{
    const struct pm_frame *frame = pm_profile_python_frame(text->profile, stack);

    if (frame != NULL) {
        pm_labels_add_python_line(&text->labels, &text->line, frame->file, frame->line, frame->function,
                                  text->options->paths == PM_TEXT_PATHS_FULL);
        return;
    }
    frame = pm_profile_caller(text->profile, stack);
    if (frame == NULL) {
        pm_text_add(text, PM_LABEL_UNKNOWN);
        return;
    }
    pm_labels_add_object(&text->labels, &text->line, frame->object);
    pm_text_add(text, "`");
    pm_labels_add_function(&text->labels, &text->line, frame->function);
}
