/* SPDX-License-Identifier: GPL-2.0-or-later */
/* by_hash maps the hash of a frame's contents to its index. If two frames have the same hash, the
   second one gets the next free hash value. */
#include "heap/pm_frames.h"

#include "base/pm_platform.h"

void pm_frames_init(struct pm_frames *frames)
{
    *frames = (struct pm_frames){ .capacity = 256 };
    frames->entries = pm_alloc("pm.frames", frames->capacity * sizeof *frames->entries);
    pm_map_init(&frames->by_hash);
}

void pm_frames_release(struct pm_frames *frames)
{
    pm_free(frames->entries);
    pm_map_release(&frames->by_hash);
    *frames = (struct pm_frames){ 0 };
}

static u64 hash_of(const struct pm_frame *frame)
{
    const bool native = frame->kind == PM_FRAME_NATIVE;
    const u64 words[] = {
        (u64)frame->kind << 40 | (u64)frame->flags << 32 | (native ? 0 : frame->line),
        (u64)frame->function.v << 32 | (native ? 0 : frame->file.v),
        frame->object.v,
        frame->offset,
        frame->address,
    };
    return pm_hash_bytes(words, sizeof words);
}

static bool equal(const struct pm_frame *a, const struct pm_frame *b)
{
    return a->kind == b->kind && a->flags == b->flags
        && a->function.v == b->function.v && a->object.v == b->object.v
        && a->offset == b->offset && a->address == b->address
        && (a->kind == PM_FRAME_NATIVE || (a->line == b->line && a->file.v == b->file.v));
}

struct pm_frame_id pm_frames_intern(struct pm_frames *frames, const struct pm_frame *frame)
{
    u64 hash = hash_of(frame);
    const u64 *found;

    while ((found = pm_map_get(&frames->by_hash, hash)) != NULL) {
        if (equal(&frames->entries[*found], frame))
            return (struct pm_frame_id){ (u32)*found };
        hash++;
    }
    if (frames->count == frames->capacity) {
        frames->capacity *= 2;
        frames->entries = pm_realloc("pm.frames", frames->entries,
                                     frames->capacity * sizeof *frames->entries);
    }
    frames->entries[frames->count] = *frame;
    pm_map_put(&frames->by_hash, hash, frames->count);
    return (struct pm_frame_id){ frames->count++ };
}

const struct pm_frame *pm_frames_get(const struct pm_frames *frames, struct pm_frame_id id)
{
    PM_ASSERT(id.v < frames->count);
    return &frames->entries[id.v];
}

struct pm_frame pm_frame_outer(const struct pm_frame *frame)
{
    struct pm_frame outer = *frame;

    if (frame->outer_line != 0) {
        outer.line = frame->outer_line;
        outer.file = frame->outer_file;
    }
    return outer;
}

void pm_frames_set_outer(struct pm_frames *frames, struct pm_frame_id id, struct pm_string_id file, u32 line)
{
    PM_ASSERT(id.v < frames->count && frames->entries[id.v].kind == PM_FRAME_NATIVE);
    frames->entries[id.v].outer_file = file;
    frames->entries[id.v].outer_line = line;
}

void pm_frames_set_source(struct pm_frames *frames, struct pm_frame_id id, struct pm_string_id file,
                          u32 line)
{
    PM_ASSERT(id.v < frames->count && frames->entries[id.v].kind == PM_FRAME_NATIVE);
    frames->entries[id.v].file = file;
    frames->entries[id.v].line = line;
}
