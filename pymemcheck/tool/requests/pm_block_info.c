/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tool/requests/pm_block_info.h"

#include "report/pm_text_parts.h"
#include "report/pm_utf8.h"
#include "tool/allocator/pm_allocator.h"
#include "tool/pm_run.h"
#include "tool/requests/pm_answer.h"

struct looking {
    u64 address;
    const struct pm_block *found;
};

static bool holds(const struct pm_block *block, u64 address)
{
    return address - block->address < (block->bytes > 0 ? block->bytes : 1);
}

/* Of custom blocks in each other, the shortest is the innermost. */
static void look_at(void *context, struct pm_block *block)
{
    struct looking *looking = context;

    if (holds(block, looking->address) && (looking->found == NULL || block->bytes < looking->found->bytes))
        looking->found = block;
}

const struct pm_block *pm_block_holding(struct pm_run *run, u64 address)
{
    struct looking looking = { .address = address };

    if (run->custom.live > 0)
        pm_custom_blocks_each(&run->custom, look_at, &looking);
    if (looking.found != NULL)
        return looking.found;
    const struct pm_block *block = pm_blocks_holding(&run->blocks, address);
    return block != NULL && holds(block, address) ? block : NULL;
}

static u64 hook_prefix(const struct pm_run *run, const struct pm_block *block)
{
    const struct pm_layout *layout = run->python.interpreter.layout;
    return block->padding_units > 0 && layout != NULL ? layout->hook_prefix_bytes : 0;
}

/* Calls use with the object in a block; NULL: there is none. */
static void with_object(struct pm_run *run, const struct pm_block *block,
                        void (*use)(void *context, struct pm_objects *objects, const struct pm_object *object),
                        void *context)
{
    struct pm_objects objects;
    struct pm_object object;

    if (!run->options.python_objects || run->python.state != PM_PYTHON_READY) {
        use(context, NULL, NULL);
        return;
    }
    const bool found = pm_objects_init(&objects, &run->reader, &run->strings, &run->python.interpreter)
        && pm_objects_identify(&objects, block->address, block->bytes, hook_prefix(run, block), &object);
    use(context, &objects, found ? &object : NULL);
    pm_objects_release(&objects);
}

static void add_object(void *context, struct pm_objects *objects, const struct pm_object *object)
{
    pm_answer_add_object(context, objects, object);
}

long pm_block_info(struct pm_run *run, u64 address, u64 buffer, u64 size)
{
    const struct pm_block *block = pm_block_holding(run, address);
    struct pm_emitter out;
    struct pm_sink sink;
    struct pm_buffer text;

    if (block == NULL)
        return PYMEMCHECK_NO_BLOCK;
    pm_reader_forget(&run->reader);
    pm_native_add_lines(&run->native);
    pm_answer_begin(&out, &sink, &text);
    pm_answer_add_block(&out, run, block);
    pm_emitter_key_u64(&out, "offset", address - block->address);
    with_object(run, block, add_object, &out);
    pm_answer_add_stack(&out, run, pm_allocator_stack(run, block));
    pm_answer_finish(&out);
    const long needed = pm_answer_text(&text, buffer, size);
    pm_buffer_release(&text);
    return needed;
}

/* --- For a person --- */

static void add_address(struct pm_text *text, u64 address)
{
    pm_text_add(text, "0x");
    pm_buffer_add_hex(&text->line, address);
}

/* "list len 3, count 1". */
static void put_object(void *context, struct pm_objects *objects, const struct pm_object *object)
{
    struct pm_text *text = context;
    struct pm_buffer words;

    if (object == NULL) {
        pm_text_add(text, "no object");
        return;
    }
    const struct pm_string_id type = pm_objects_type_name(objects, object->type);
    pm_buffer_init(&words);
    pm_buffer_add_text(&words, pm_strings_text(objects->strings, type));
    pm_buffer_add_char(&words, ' ');
    pm_objects_preview(objects, object, &words);
    words.length -= words.bytes[words.length - 1] == ' ';
    pm_utf8_add_harmless(&text->line, words.bytes, words.length);
    pm_buffer_release(&words);
    pm_text_add(text, object->immortal ? ", immortal" : ", count ");
    if (!object->immortal)
        pm_text_add_number(text, object->references);
}

void pm_block_info_write(struct pm_run *run, struct pm_text *text, u64 address)
{
    const struct pm_block *block = pm_block_holding(run, address);

    add_address(text, address);
    if (block == NULL) {
        pm_text_put_line(text, " is in no live block");
        return;
    }
    pm_reader_forget(&run->reader);
    pm_text_add(text, " is ");
    pm_text_add_number(text, address - block->address);
    pm_text_add(text, " bytes inside a block of ");
    pm_text_add_number(text, pm_block_requested_bytes(block));
    pm_text_add(text, " bytes at ");
    add_address(text, block->address);
    pm_text_add(text, ": ");
    with_object(run, block, put_object, text);
    pm_text_end_line(text);
    pm_text_add(text, "allocation ");
    pm_text_add_number(text, block->serial);
    pm_text_add(text, " by thread ");
    pm_text_add_number(text, block->thread);
    pm_text_put_line(text, ":");
    pm_text_put_stack(text, pm_allocator_stack(run, block), false);
}
