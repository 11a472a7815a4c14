/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The places of a loss record in one C function. A record has the blocks of one Python line and one
   function that it called, whatever the source line in that function: two faults in it are one record.
   So the record counts its blocks by the function's frames. */
#ifndef PM_LOSS_PLACES_H
#define PM_LOSS_PLACES_H

#include "base/pm_types.h"
#include "heap/pm_frames.h"

enum { PM_LOSS_PLACES = 8 };

struct pm_loss_place {
    struct pm_frame_id frame;
    u64 blocks;
};

struct pm_loss_places {
    struct pm_loss_place at[PM_LOSS_PLACES];    /* in the order in which they were met */
    u32 count;
};

/* Counts a block. Further frames than there is room for are not counted. */
void pm_loss_places_add(struct pm_loss_places *places, struct pm_frame_id frame);

/* Whether frame is one of the places. */
bool pm_loss_places_have(const struct pm_loss_places *places, struct pm_frame_id frame);

/* The same places, with one for each source line, where it is known; most blocks first. */
struct pm_loss_places pm_loss_places_by_line(const struct pm_loss_places *places,
                                             const struct pm_frames *frames);

#endif
