/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heap/pm_loss_places.h"

#include "base/pm_platform.h"

static void add_blocks(struct pm_loss_places *places, struct pm_frame_id frame, u64 blocks)
{
    u32 i = 0;

    while (i < places->count && places->at[i].frame.v != frame.v)
        i++;
    if (i == PM_LOSS_PLACES)
        return;
    if (i == places->count)
        places->at[places->count++] = (struct pm_loss_place){ .frame = frame };
    places->at[i].blocks += blocks;
}

void pm_loss_places_add(struct pm_loss_places *places, struct pm_frame_id frame)
{
    add_blocks(places, frame, 1);
}

bool pm_loss_places_have(const struct pm_loss_places *places, struct pm_frame_id frame)
{
    for (u32 i = 0; i < places->count; i++)
        if (places->at[i].frame.v == frame.v)
            return true;
    return false;
}

/* The first of the merged places with the same source line as frame, else frame itself. */
static struct pm_frame_id with_same_line(const struct pm_loss_places *merged,
                                         const struct pm_frames *frames, struct pm_frame_id frame)
{
    const struct pm_frame *wanted = pm_frames_get(frames, frame);

    for (u32 i = 0; wanted->line != 0 && i < merged->count; i++) {
        const struct pm_frame *known = pm_frames_get(frames, merged->at[i].frame);
        if (known->line == wanted->line && known->file.v == wanted->file.v)
            return merged->at[i].frame;
    }
    return frame;
}

struct pm_loss_places pm_loss_places_by_line(const struct pm_loss_places *places,
                                             const struct pm_frames *frames)
{
    struct pm_loss_places merged = { .count = 0 };

    for (u32 i = 0; i < places->count; i++)
        add_blocks(&merged, with_same_line(&merged, frames, places->at[i].frame), places->at[i].blocks);
    for (u32 i = 1; i < merged.count; i++)
        for (u32 k = i; k > 0 && merged.at[k].blocks > merged.at[k - 1].blocks; k--) {
            const struct pm_loss_place more = merged.at[k];
            merged.at[k] = merged.at[k - 1];
            merged.at[k - 1] = more;
        }
    return merged;
}
