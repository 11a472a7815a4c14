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
