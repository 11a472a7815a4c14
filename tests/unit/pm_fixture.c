/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pm_fixture.h"

void pm_fixture_init(struct pm_fixture *fixture)
{
    static const char *const command[] = { "python3.11", "example.py" };

    *fixture = (struct pm_fixture){ 0 };
    pm_strings_init(&fixture->strings);
    pm_frames_init(&fixture->frames);
    pm_stacks_init(&fixture->stacks);
    pm_sites_init(&fixture->sites);
    fixture->profile = (struct pm_profile){
        .pid = 4711,
        .ppid = 4710,
        .command = command,
        .command_length = 2,
        .tool_version = "0.1",
        .valgrind_version = "3.19.0",
        .python = "CPython 3.11.2",
        .end = PM_END_EXIT,
        .elapsed_ms = 1234,
        .strings = &fixture->strings,
        .frames = &fixture->frames,
        .stacks = &fixture->stacks,
        .sites = &fixture->sites,
    };
}

void pm_fixture_release(struct pm_fixture *fixture)
{
    pm_sites_release(&fixture->sites);
    pm_stacks_release(&fixture->stacks);
    pm_frames_release(&fixture->frames);
    pm_strings_release(&fixture->strings);
}

static struct pm_frame_id intern(struct pm_fixture *fixture, enum pm_frame_kind kind,
                                 const char *object, const char *file, const char *function,
                                 struct pm_frame frame)
{
    frame.kind = (u8)kind;
    frame.object = pm_strings_intern_text(&fixture->strings, object);
    frame.file = pm_strings_intern_text(&fixture->strings, file);
    frame.function = pm_strings_intern_text(&fixture->strings, function);
    return pm_frames_intern(&fixture->frames, &frame);
}

struct pm_frame_id pm_fixture_native(struct pm_fixture *fixture, const char *object,
                                     const char *function, u64 offset, u8 flags)
{
    return intern(fixture, PM_FRAME_NATIVE, object, "", function,
                  (struct pm_frame){ .offset = offset, .flags = flags });
}

struct pm_frame_id pm_fixture_python(struct pm_fixture *fixture, const char *file,
                                     const char *function, u32 line)
{
    return intern(fixture, PM_FRAME_PYTHON, "", file, function, (struct pm_frame){ .line = line });
}

struct pm_frame_id pm_fixture_note(struct pm_fixture *fixture, const char *words)
{
    return intern(fixture, PM_FRAME_NOTE, "", "", words, (struct pm_frame){ 0 });
}

void pm_fixture_allocate(struct pm_fixture *fixture, struct pm_stack_id stack, u64 times,
                         u64 requested_bytes, u64 padding_bytes)
{
    struct pm_profile *profile = &fixture->profile;
    struct pm_site_id site = pm_sites_of(&fixture->sites, stack);

    for (u64 i = 0; i < times; i++)
        pm_sites_allocate(&fixture->sites, site, requested_bytes, padding_bytes,
                          ++fixture->serial);
    profile->total_allocs += times;
    profile->total_bytes += times * (requested_bytes + padding_bytes);
    profile->padding_bytes += times * padding_bytes;
}

void pm_fixture_free(struct pm_fixture *fixture, struct pm_stack_id stack, u64 times,
                     u64 requested_bytes, u64 padding_bytes)
{
    for (u64 i = 0; i < times; i++)
        pm_sites_free(&fixture->sites, pm_sites_of(&fixture->sites, stack), requested_bytes, padding_bytes);
    fixture->profile.total_frees += times;
}

void pm_fixture_move(struct pm_fixture *fixture, struct pm_stack_id from, struct pm_stack_id to,
                     u64 requested_bytes)
{
    pm_sites_move(&fixture->sites, pm_sites_of(&fixture->sites, from),
                  pm_sites_of(&fixture->sites, to), requested_bytes);
}

const struct pm_profile *pm_fixture_profile(struct pm_fixture *fixture)
{
    struct pm_profile *profile = &fixture->profile;

    pm_sites_settle(&fixture->sites);
    profile->live_bytes = fixture->sites.live_bytes;
    profile->live_blocks = fixture->sites.live_blocks;
    profile->peak_bytes = fixture->sites.peak_bytes;
    profile->peak_blocks = fixture->sites.peak_blocks;
    return profile;
}

void pm_fixture_aggregate(struct pm_aggregate *aggregate, const struct pm_profile *profile,
                          enum pm_group group, enum pm_order order, size_t top)
{
    struct pm_frame_sums sums;

    pm_frame_sums_build(&sums, profile);
    pm_aggregate_build(aggregate, &sums, group, order, top);
    pm_frame_sums_release(&sums);
}

static void append(void *context, const char *bytes, size_t length)
{
    pm_buffer_add_bytes(context, bytes, length);
}

struct pm_sink pm_fixture_sink(struct pm_buffer *buffer)
{
    return (struct pm_sink){ append, buffer };
}
