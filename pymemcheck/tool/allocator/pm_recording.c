/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tool/allocator/pm_recording.h"

#include "base/pm_grow.h"
#include "tool/pm_run.h"

#define NOTE "recording was off"

static u32 note_site(struct pm_run *run)
{
    const struct pm_frame note = {
        .kind = PM_FRAME_NOTE, .function = pm_strings_intern_text(&run->strings, NOTE),
    };
    const struct pm_stack_id stack = pm_stacks_push(&run->stacks, PM_STACK_EMPTY,
                                                    pm_frames_intern(&run->frames, &note));
    return pm_site_note(pm_sites_of(&run->sites, stack));
}

bool pm_recording_switch(struct pm_run *run, u32 tid, bool on)
{
    struct pm_recording *recording = &run->recording;

    if (on) {
        if (!pm_recording_is_off(recording, tid))
            return false;
        recording->threads_off -= --recording->depths[tid] == 0;
        return true;
    }
    recording->depths = pm_grow_to("pm.recording", recording->depths, &recording->capacity, tid,
                                   sizeof *recording->depths);
    if (recording->depths[tid] == ~(u32)0)
        return false;
    if (recording->site == 0)
        recording->site = note_site(run);
    recording->threads_off += recording->depths[tid]++ == 0;
    return true;
}

void pm_recording_thread_ends(struct pm_recording *recording, u32 tid)
{
    if (!pm_recording_is_off(recording, tid))
        return;
    recording->depths[tid] = 0;
    recording->threads_off--;
}

void pm_recording_forked(struct pm_recording *recording, u32 tid)
{
    for (u32 other = 0; other < recording->capacity; other++)
        if (other != tid)
            pm_recording_thread_ends(recording, other);
}
