/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What makes two blocks one leak, and what names a leak in every run: its fingerprint. For pm_losses.c, and for whoever
   waits for a leak by its fingerprint. */
#ifndef PM_LOSS_KEYS_H
#define PM_LOSS_KEYS_H

#include "base/pm_map.h"
#include "base/pm_types.h"
#include "heap/pm_frames.h"
#include "heap/pm_losses.h"

enum { PM_LOSS_KEY_FRAMES = 4 };

struct pm_loss_key {
    u64 hash;
    struct pm_frame_id python;          /* innermost Python frame, if has_python */
    struct pm_frame_id called;          /* the extension's function, if has_called */
    struct pm_frame_id place;           /* the same, or without Python the innermost native one */
    struct pm_frame_id natives[PM_LOSS_KEY_FRAMES];
    u32 native_count;
    u32 stack;                          /* high resolution only */
    u64 static_object;                  /* address; 0: a block */
    enum pm_loss_kind kind;             /* of a record's key */
    u32 next;                           /* record with the same hash + 1 */
    bool has_python, has_called, has_place, importing;
    bool raw;                           /* lost memory that is no object */
};

static inline u64 pm_loss_mix(u64 hash, u64 value)
{
    return pm_hash_u64(hash ^ (value + 0x9e3779b97f4a7c15ull + (hash << 6)));
}

static inline const struct pm_frame *pm_loss_frame(const struct pm_losses *losses, struct pm_frame_id id)
{
    return pm_frames_get(losses->frames, id);
}

/* All of a stack's key but importing, which takes a walk over the whole stack. */
struct pm_loss_key pm_loss_key_of(const struct pm_losses *losses, struct pm_stack_id stack);
bool pm_loss_keys_same(const struct pm_losses *losses, const struct pm_loss_key *a, const struct pm_loss_key *b);
/* The evaluation function's ELF object, for stacks that were cut before the evaluation. */
struct pm_string_id pm_loss_evaluation_object(const struct pm_frames *frames);

/* Of a record whose types are sorted. Made of names alone: it must not change when lines move, nor from one version or build of
   Python to another. The first 16 bits are made of the innermost Python frame, and are 0 without one: so whether a block may
   belong to the leak can be told from its stack, before there is an object in it. */
u64 pm_loss_fingerprint(const struct pm_losses *losses, const struct pm_loss *record, const struct pm_loss_key *key);
/* Of the record number (from 1) of those that would have the same one. */
u64 pm_loss_fingerprint_again(u64 fingerprint, u64 number);

/* Whether a block that was allocated at stack may become part of a record with this fingerprint. */
bool pm_loss_may_be_born(const struct pm_tables *tables, struct pm_stack_id stack, u64 fingerprint);
/* The same of an object of this type. Records that are alike but for their lines cannot be told apart. Cost: some hashes; some
   hundred if the block may. */
bool pm_loss_may_be(const struct pm_tables *tables, enum pm_loss_resolution resolution, struct pm_stack_id stack,
                    struct pm_string_id type, u64 fingerprint);

#endif
