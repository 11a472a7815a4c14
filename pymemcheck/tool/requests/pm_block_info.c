/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tool/requests/pm_block_info.h"

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

static void add_object(struct pm_run *run, const struct pm_block *block, struct pm_emitter *out)
{
    struct pm_objects objects;
    struct pm_object object;

    if (!run->options.python_objects || run->python.state != PM_PYTHON_READY) {
        pm_answer_add_object(out, NULL, NULL);
        return;
    }
    const bool found = pm_objects_init(&objects, &run->reader, &run->strings, &run->python.interpreter)
        && pm_objects_identify(&objects, block->address, block->bytes, hook_prefix(run, block), &object);
    pm_answer_add_object(out, &objects, found ? &object : NULL);
    pm_objects_release(&objects);
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
    add_object(run, block, &out);
    pm_answer_add_stack(&out, run, pm_allocator_stack(run, block));
    pm_answer_finish(&out);
    const long needed = pm_answer_text(&text, buffer, size);
    pm_buffer_release(&text);
    return needed;
}
