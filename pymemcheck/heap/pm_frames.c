/* SPDX-License-Identifier: GPL-2.0-or-later */
/* by_hash maps the hash of a frame's contents to its index; on a collision of
   hashes the next hash value is tried. */
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
    const u64 words[] = {
        (u64)frame->kind << 40 | (u64)frame->flags << 32 | frame->line,
        (u64)frame->function.v << 32 | frame->file.v,
        frame->object.v,
        frame->offset,
    };
    return pm_hash_bytes(words, sizeof words);
}

static bool equal(const struct pm_frame *a, const struct pm_frame *b)
{
    return a->kind == b->kind && a->flags == b->flags && a->line == b->line
        && a->function.v == b->function.v && a->file.v == b->file.v
        && a->object.v == b->object.v && a->offset == b->offset;
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
