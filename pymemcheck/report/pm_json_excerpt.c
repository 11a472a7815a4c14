/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The records are copied. What they refer to is interned again, in small tables of the excerpt's own, and the
   copies refer to these. */
#include "report/pm_json_excerpt.h"

#include "base/pm_platform.h"
#include "report/pm_json.h"

struct excerpt {
    const struct pm_tables *from;
    struct pm_strings strings;
    struct pm_frames frames;
    struct pm_stacks stacks;
    struct pm_frame_id *path;       /* scratch: the frames of one stack, innermost first */
    size_t path_capacity;
};

static struct pm_string_id take_string(struct excerpt *to, struct pm_string_id string)
{
    return pm_strings_intern(&to->strings, pm_strings_text(to->from->strings, string),
                             pm_strings_length(to->from->strings, string));
}

static struct pm_frame_id take_frame(struct excerpt *to, struct pm_frame_id id)
{
    struct pm_frame frame = *pm_frames_get(to->from->frames, id);

    frame.function = take_string(to, frame.function);
    frame.file = take_string(to, frame.file);
    frame.object = take_string(to, frame.object);
    return pm_frames_intern(&to->frames, &frame);
}

static struct pm_stack_id take_stack(struct excerpt *to, struct pm_stack_id stack)
{
    size_t length = 0;

    while (stack.v != 0) {
        const struct pm_stack_node node = pm_stacks_node(to->from->stacks, stack);
        if (length == to->path_capacity) {
            to->path_capacity = length ? length * 2 : 64;
            to->path = pm_realloc("pm.excerpt", to->path, to->path_capacity * sizeof *to->path);
        }
        to->path[length++] = take_frame(to, node.frame);
        stack = node.parent;
    }
    return pm_stacks_intern(&to->stacks, to->path, length);
}

/* What the copy of a record owns: its types and its chain. */
static struct pm_loss take_loss(struct excerpt *to, const struct pm_loss *loss)
{
    struct pm_loss copy = *loss;

    copy.stack = take_stack(to, loss->stack);
    copy.note = take_string(to, loss->note);
    copy.expression = take_string(to, loss->expression);
    copy.types = pm_alloc("pm.excerpt", (loss->type_count + (size_t)1) * sizeof *copy.types);
    for (u32 i = 0; i < loss->type_count; i++)
        copy.types[i] = (struct pm_loss_type){ take_string(to, loss->types[i].name), loss->types[i].blocks };
    copy.chain = pm_alloc("pm.excerpt", (loss->chain_length + (size_t)1) * sizeof *copy.chain);
    for (u32 i = 0; i < loss->chain_length; i++)
        copy.chain[i] = take_string(to, loss->chain[i]);
    for (u32 i = 0; i < loss->places.count; i++)
        copy.places.at[i].frame = take_frame(to, loss->places.at[i].frame);
    return copy;
}

void pm_json_excerpt_write(const struct pm_tables *tables, const struct pm_losses *losses,
                           const struct pm_sink *sink)
{
    struct excerpt to = { .from = tables };
    struct pm_losses copy = *losses;

    pm_strings_init(&to.strings);
    pm_frames_init(&to.frames);
    pm_stacks_init(&to.stacks);
    copy.records = pm_alloc("pm.excerpt", (losses->count + (size_t)1) * sizeof *copy.records);
    for (u32 i = 0; i < losses->count; i++)
        copy.records[i] = take_loss(&to, &losses->records[i]);
    pm_json_write_losses(&(struct pm_tables){ &to.strings, &to.frames, &to.stacks }, &copy, sink);
    for (u32 i = 0; i < losses->count; i++) {
        pm_free(copy.records[i].types);
        pm_free(copy.records[i].chain);
    }
    pm_free(copy.records);
    pm_free(to.path);
    pm_stacks_release(&to.stacks);
    pm_frames_release(&to.frames);
    pm_strings_release(&to.strings);
}
