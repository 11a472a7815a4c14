/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tool/requests/pm_answer.h"

#include "preload/pymemcheck.h"
#include "report/pm_json.h"
#include "tool/allocator/pm_recording.h"
#include "tool/pm_memory.h"
#include "tool/pm_run.h"

bool pm_answer_name(struct pm_run *run, u64 address, char name[PM_ANSWER_NAME_BYTES])
{
    pm_reader_forget(&run->reader);
    return pm_reader_read_text(&run->reader, address, name, PM_ANSWER_NAME_BYTES) && name[0] != '\0';
}

long pm_answer_text(const struct pm_buffer *text, u64 address, u64 size)
{
    const u64 needed = text->length + 1;

    if (size >= needed && !pm_memory_write(address, text->bytes, needed))
        return PYMEMCHECK_BAD_ARGUMENT;
    return (long)needed;
}

static void add_to_text(void *context, const char *bytes, size_t length)
{
    pm_buffer_add_bytes(context, bytes, length);
}

void pm_answer_begin(struct pm_emitter *out, struct pm_sink *sink, struct pm_buffer *text)
{
    pm_buffer_init(text);
    *sink = (struct pm_sink){ .write = add_to_text, .context = text };
    pm_emitter_init(out, sink, 0);
    pm_emitter_dict_begin(out, PM_EMITTER_INLINE);
}

void pm_answer_finish(struct pm_emitter *out)
{
    pm_emitter_dict_end(out);
    pm_emitter_finish(out);
}

void pm_answer_add_address(struct pm_emitter *out, const char *key, u64 address)
{
    struct pm_buffer words;

    pm_buffer_init(&words);
    pm_buffer_add_text(&words, "0x");
    pm_buffer_add_hex(&words, address);
    pm_emitter_key_text(out, key, words.bytes);
    pm_buffer_release(&words);
}

static const char *origin_name(u64 origin)
{
    switch ((enum pm_block_origin)origin) {
    case PM_BLOCK_MALLOC:
        return "malloc";
    case PM_BLOCK_NEW:
        return "new";
    case PM_BLOCK_NEW_ARRAY:
        return "new[]";
    case PM_BLOCK_CUSTOM:
        return "custom";
    }
    return "malloc";
}

void pm_answer_add_block(struct pm_emitter *out, struct pm_run *run, const struct pm_block *block)
{
    pm_answer_add_address(out, "address", block->address);
    pm_emitter_key_u64(out, "bytes", pm_block_requested_bytes(block));
    pm_emitter_key_u64(out, "padding_bytes", pm_block_padding_bytes(block));
    pm_emitter_key_u64(out, "serial", block->serial);
    pm_emitter_key_u64(out, "thread", block->thread);
    pm_emitter_key_bool(out, "raising", block->raising);
    pm_emitter_key_text(out, "origin", origin_name(block->origin));
    pm_emitter_key_bool(out, "recorded", pm_recording_has(&run->recording, block->site));
}

void pm_answer_add_object(struct pm_emitter *out, struct pm_objects *objects, const struct pm_object *object)
{
    struct pm_buffer note;

    pm_emitter_key(out, "object");
    if (object == NULL) {
        pm_emitter_null(out);
        return;
    }
    const struct pm_string_id type = pm_objects_type_name(objects, object->type);
    pm_emitter_dict_begin(out, PM_EMITTER_INLINE);
    pm_answer_add_address(out, "address", object->address);
    pm_emitter_key(out, "type");
    pm_emitter_bytes(out, pm_strings_text(objects->strings, type), pm_strings_length(objects->strings, type));
    pm_buffer_init(&note);
    pm_objects_preview(objects, object, &note);
    pm_emitter_key(out, "note");
    pm_emitter_bytes(out, note.bytes, note.length);
    pm_buffer_release(&note);
    pm_emitter_key(out, "references");
    if (object->immortal)
        pm_emitter_null(out);
    else
        pm_emitter_u64(out, object->references);
    pm_emitter_dict_end(out);
}

static void add_string(struct pm_emitter *out, const struct pm_strings *strings, const char *key,
                       struct pm_string_id string)
{
    pm_emitter_key(out, key);
    pm_emitter_bytes(out, pm_strings_text(strings, string), pm_strings_length(strings, string));
}

static void add_frame(struct pm_emitter *out, const struct pm_strings *strings, const struct pm_frame *frame)
{
    pm_emitter_dict_begin(out, PM_EMITTER_INLINE);
    pm_emitter_key_text(out, "kind", pm_json_frame_kind(frame->kind));
    add_string(out, strings, "function", frame->function);
    add_string(out, strings, "file", frame->file);
    pm_emitter_key_u64(out, "line", frame->line);
    add_string(out, strings, "object", frame->object);
    pm_json_put_flags(out, frame->flags);
    pm_emitter_dict_end(out);
}

void pm_answer_add_stack(struct pm_emitter *out, struct pm_run *run, struct pm_stack_id stack)
{
    pm_emitter_key(out, "stack");
    pm_emitter_list_begin(out, PM_EMITTER_INLINE);
    while (stack.v != 0) {
        const struct pm_stack_node node = pm_stacks_node(&run->stacks, stack);
        add_frame(out, &run->strings, pm_frames_get(&run->frames, node.frame));
        stack = node.parent;
    }
    pm_emitter_list_end(out);
}
