/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A small profile made through the heap's own functions, for tests of code that reads
   profiles. Order of calls: init; frames, allocations and frees; pm_fixture_profile; release. */
#ifndef PM_FIXTURE_H
#define PM_FIXTURE_H

#include "base/pm_buffer.h"
#include "heap/pm_aggregate.h"
#include "report/pm_sink.h"

struct pm_fixture {
    struct pm_strings strings;
    struct pm_frames frames;
    struct pm_stacks stacks;
    struct pm_sites sites;
    struct pm_profile profile;      /* tests may set its plain members at any time */
    u64 serial;
};

/* The profile starts as that of a CPython run that allocated nothing. */
void pm_fixture_init(struct pm_fixture *fixture);
void pm_fixture_release(struct pm_fixture *fixture);

struct pm_frame_id pm_fixture_native(struct pm_fixture *fixture, const char *object,
                                     const char *function, u64 offset, u8 flags);
struct pm_frame_id pm_fixture_python(struct pm_fixture *fixture, const char *file,
                                     const char *function, u32 line);
struct pm_frame_id pm_fixture_note(struct pm_fixture *fixture, const char *words);

/* The stack of these frames, innermost first. */
#define pm_fixture_stack(fixture, ...) \
    pm_stacks_intern(&(fixture)->stacks, (struct pm_frame_id[]){ __VA_ARGS__ }, \
                     sizeof((struct pm_frame_id[]){ __VA_ARGS__ }) / sizeof(struct pm_frame_id))

/* Makes times allocations of requested_bytes, each with padding_bytes on top. */
void pm_fixture_allocate(struct pm_fixture *fixture, struct pm_stack_id stack, u64 times,
                         u64 requested_bytes, u64 padding_bytes);
/* Frees that many such blocks. */
void pm_fixture_free(struct pm_fixture *fixture, struct pm_stack_id stack, u64 times,
                     u64 requested_bytes, u64 padding_bytes);
/* Passes a live block from one stack to another. */
void pm_fixture_move(struct pm_fixture *fixture, struct pm_stack_id from, struct pm_stack_id to,
                     u64 requested_bytes);

/* The profile as it is now. */
const struct pm_profile *pm_fixture_profile(struct pm_fixture *fixture);

/* pm_aggregate_build, with sums of its own. */
void pm_fixture_aggregate(struct pm_aggregate *aggregate, const struct pm_profile *profile,
                          enum pm_group group, enum pm_order order, size_t top);

/* A sink that appends to buffer. */
struct pm_sink pm_fixture_sink(struct pm_buffer *buffer);

#endif
