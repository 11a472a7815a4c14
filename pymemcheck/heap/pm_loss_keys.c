/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two blocks belong to one leak if their keys are equal. Each stack has one key:

   - If the stack has a Python frame, the key is the innermost one's file, function and
     (unless the resolution is low) line, and the function of an extension that it called:
     the outermost native frame inside the innermost evaluation that is in another ELF
     object than the evaluation function. (In a stack that was cut before the evaluation,
     the ELF object is that of some other stack's evaluation function.) How the interpreter
     got there does not count, since it changes when the interpreter specializes the call;
     nor does what the extension called.
   - Otherwise the key is the first 2 (low) or 4 (medium) native frames that are no
     allocator, as with Memcheck's resolutions (memcheck/mc_leakcheck.c, 3.19).
   - With high resolution, the key is the whole stack. */
#include "heap/pm_loss_keys.h"

#include "heap/pm_name_hashes.h"

enum { LOW_FRAMES = 2, MEDIUM_FRAMES = PM_LOSS_KEY_FRAMES };

/* The innermost frames up to and including the first Python one. */
static void describe_inner(const struct pm_losses *losses, struct pm_stack_id stack,
                           struct pm_loss_key *key)
{
    u32 evaluation_object = losses->evaluation_object.v;
    bool evaluation = false;

    for (struct pm_stack_id at = stack; at.v != 0;) {
        struct pm_stack_node node = pm_stacks_node(losses->stacks, at);
        const struct pm_frame *frame = pm_loss_frame(losses, node.frame);
        at = node.parent;
        if (frame->kind == PM_FRAME_PYTHON) {
            key->python = node.frame;
            key->has_python = true;
            break;
        }
        if (frame->kind == PM_FRAME_NATIVE && (frame->flags & PM_FRAME_EVAL) && !evaluation) {
            evaluation_object = frame->object.v;
            evaluation = true;
        }
    }
    for (struct pm_stack_id at = stack; at.v != 0;) {
        struct pm_stack_node node = pm_stacks_node(losses->stacks, at);
        const struct pm_frame *frame = pm_loss_frame(losses, node.frame);
        at = node.parent;
        if (frame->kind != PM_FRAME_NATIVE || (key->has_python && (frame->flags & PM_FRAME_EVAL)))
            break;
        if (frame->flags & PM_FRAME_ALLOCATOR)
            continue;
        if (key->native_count < MEDIUM_FRAMES)
            key->natives[key->native_count++] = node.frame;
        if ((evaluation || key->has_python) && evaluation_object != 0
                && frame->object.v != evaluation_object) {
            key->called = node.frame;
            key->has_called = true;
        }
    }
}

static u64 function_hash(const struct pm_frame *frame)
{
    u64 hash = pm_loss_mix(frame->object.v, frame->function.v);
    return frame->function.v != 0 ? hash : pm_loss_mix(hash, frame->offset);
}

struct pm_loss_key pm_loss_key_of(const struct pm_losses *losses, struct pm_stack_id stack)
{
    struct pm_loss_key key = { .hash = 1 };

    describe_inner(losses, stack, &key);
    key.has_place = key.has_called || (!key.has_python && key.native_count > 0);
    key.place = key.has_called ? key.called : key.natives[0];
    if (losses->resolution == PM_LOSS_HIGH) {
        key.stack = stack.v;
        key.hash = pm_loss_mix(key.hash, stack.v);
        return key;
    }
    if (key.has_python) {
        const struct pm_frame *python = pm_loss_frame(losses, key.python);
        key.hash = pm_loss_mix(pm_loss_mix(key.hash, python->file.v), python->function.v);
        if (losses->resolution != PM_LOSS_LOW)
            key.hash = pm_loss_mix(key.hash, python->line);
        key.native_count = 0;
        if (key.has_called && losses->resolution != PM_LOSS_LOW)
            key.hash = pm_loss_mix(key.hash, function_hash(pm_loss_frame(losses, key.called)));
        return key;
    }
    if (losses->resolution == PM_LOSS_LOW && key.native_count > LOW_FRAMES)
        key.native_count = LOW_FRAMES;
    for (u32 i = 0; i < key.native_count; i++)
        key.hash = pm_loss_mix(key.hash, function_hash(pm_loss_frame(losses, key.natives[i])));
    return key;
}

static bool same_function(const struct pm_losses *losses, struct pm_frame_id a,
                          struct pm_frame_id b)
{
    const struct pm_frame *x = pm_loss_frame(losses, a), *y = pm_loss_frame(losses, b);

    return x->object.v == y->object.v && x->function.v == y->function.v
        && (x->function.v != 0 || x->offset == y->offset);
}

bool pm_loss_keys_same(const struct pm_losses *losses, const struct pm_loss_key *a, const struct pm_loss_key *b)
{
    if (a->hash != b->hash || a->stack != b->stack || a->kind != b->kind || a->raw != b->raw
            || a->static_object != b->static_object)
        return false;
    if (losses->resolution == PM_LOSS_HIGH)
        return true;
    if (a->has_python != b->has_python || a->native_count != b->native_count)
        return false;
    if (a->has_python) {
        const struct pm_frame *x = pm_loss_frame(losses, a->python), *y = pm_loss_frame(losses, b->python);
        if (x->file.v != y->file.v || x->function.v != y->function.v)
            return false;
        if (losses->resolution == PM_LOSS_LOW)
            return true;
        return x->line == y->line && a->has_called == b->has_called
            && (!a->has_called || same_function(losses, a->called, b->called));
    }
    for (u32 i = 0; i < a->native_count; i++)
        if (!same_function(losses, a->natives[i], b->natives[i]))
            return false;
    return true;
}

struct pm_string_id pm_loss_evaluation_object(const struct pm_frames *frames)
{
    for (u32 i = 0; i < frames->count; i++)
        if (frames->entries[i].kind == PM_FRAME_NATIVE && (frames->entries[i].flags & PM_FRAME_EVAL))
            return frames->entries[i].object;
    return (struct pm_string_id){ 0 };
}

static u64 text_hash(const struct pm_losses *losses, struct pm_string_id text)
{
    return pm_hash_bytes(pm_strings_text(losses->strings, text),
                         pm_strings_length(losses->strings, text));
}

/* Of a kind in fingerprints, which must not change when there are more kinds. */
static const u8 kind_numbers[PM_LOSS_KINDS] = {
    [PM_LOSS_DEFINITE] = 0,
    [PM_LOSS_CYCLE] = 1,
    [PM_LOSS_SURPLUS] = 2,
    [PM_LOSS_POSSIBLE] = 3,
    [PM_LOSS_INDIRECT] = 4,
    [PM_LOSS_INTERPRETER] = 5,
    [PM_LOSS_REACHABLE] = 6,
    [PM_LOSS_DEFICIT] = 7,
};

/* --- Fingerprints --- */

enum { PLACE_SHIFT = 48, PLACES = (1 << 16) - 1 };

/* The first bits of the fingerprints of what is allocated while this Python frame is the innermost one. Not 0. */
static u64 place_of(const struct pm_strings *strings, const struct pm_frame *python)
{
    const u64 hash = pm_loss_mix(pm_name_hash_file(strings, python->file), pm_name_hash_function(strings, python->function));
    return (1 + hash % PLACES) << PLACE_SHIFT;
}

static u64 join(u64 place, u64 hash)
{
    return place | (hash & (((u64)1 << PLACE_SHIFT) - 1));
}

u64 pm_loss_fingerprint(const struct pm_losses *losses, const struct pm_loss *record, const struct pm_loss_key *key)
{
    u64 hash = pm_loss_mix(0, kind_numbers[record->kind]), place = 0;

    if (key->has_python) {
        const struct pm_frame *python = pm_loss_frame(losses, key->python);
        hash = pm_loss_mix(pm_loss_mix(hash, pm_name_hash_file(losses->strings, python->file)),
                   pm_name_hash_function(losses->strings, python->function));
        place = place_of(losses->strings, python);
    }
    if (key->has_called) {
        const struct pm_frame *called = pm_loss_frame(losses, key->called);
        hash = pm_loss_mix(pm_loss_mix(hash, pm_name_hash_object(losses->strings, called->object)),
                   pm_name_hash_symbol(losses->strings, called->function));
    }
    for (u32 i = 0; i < key->native_count; i++)
        hash = pm_loss_mix(hash, pm_name_hash_symbol(losses->strings, pm_loss_frame(losses, key->natives[i])->function));
    return join(place, record->type_count > 0 ? pm_loss_mix(hash, text_hash(losses, record->types[0].name)) : hash);
}

u64 pm_loss_fingerprint_again(u64 fingerprint, u64 number)
{
    return join(fingerprint >> PLACE_SHIFT << PLACE_SHIFT, pm_loss_mix(fingerprint, number));
}

bool pm_loss_may_be_born(const struct pm_tables *tables, struct pm_stack_id stack, u64 fingerprint)
{
    u64 place = 0;

    for (struct pm_stack_id at = stack; at.v != 0 && place == 0;) {
        const struct pm_stack_node node = pm_stacks_node(tables->stacks, at);
        const struct pm_frame *frame = pm_frames_get(tables->frames, node.frame);
        if (frame->kind == PM_FRAME_PYTHON)
            place = place_of(tables->strings, frame);
        at = node.parent;
    }
    return place >> PLACE_SHIFT == fingerprint >> PLACE_SHIFT;
}

bool pm_loss_may_be(const struct pm_tables *tables, enum pm_loss_resolution resolution, struct pm_stack_id stack,
                    struct pm_string_id type, u64 fingerprint)
{
    enum { MOST_ALIKE = 64 };
    const struct pm_losses losses = {
        .strings = tables->strings,
        .frames = tables->frames,
        .stacks = tables->stacks,
        .resolution = resolution,
        .evaluation_object = pm_loss_evaluation_object(tables->frames),
    };
    struct pm_loss_type types = { .name = type };

    if (!pm_loss_may_be_born(tables, stack, fingerprint))
        return false;
    const struct pm_loss_key key = pm_loss_key_of(&losses, stack);
    for (int kind = 0; kind < PM_LOSS_KINDS; kind++) {
        const struct pm_loss record = {
            .kind = (enum pm_loss_kind)kind, .types = &types, .type_count = type.v != 0,
        };
        const u64 first = pm_loss_fingerprint(&losses, &record, &key);
        for (u64 number = 0; number < MOST_ALIKE; number++)
            if (fingerprint == (number == 0 ? first : pm_loss_fingerprint_again(first, number)))
                return true;
    }
    return false;
}
