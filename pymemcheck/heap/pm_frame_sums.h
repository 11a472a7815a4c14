/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sums of sites by frame: the innermost Python frame or, if there is none, the C function that
   requested the memory. All tables of a report that do not show whole stacks are made from
   them. A large run has ten sites for each such frame, so the sites are read once, and not for
   each table. */
#ifndef PM_FRAME_SUMS_H
#define PM_FRAME_SUMS_H

#include "base/pm_types.h"
#include "heap/pm_histogram.h"
#include "heap/pm_profile.h"

/* What sites requested. */
struct pm_figures {
    u64 total_bytes, total_blocks;
    u64 live_bytes, live_blocks;
    u64 peak_bytes, peak_blocks;
    u64 before_bytes, before_blocks;    /* live before the interpreter's finalization */
    struct pm_histogram sizes;
};

struct pm_frame_sum {
    const struct pm_frame *frame;   /* NULL: sites without any Python or native frame */
    struct pm_figures figures;
    /* The site with the most bytes over the run; of equal ones the first. */
    struct pm_stack_id stack;
    u64 most_bytes;
    u32 most_site;                  /* its number */
};

struct pm_frame_sums {
    const struct pm_profile *profile;
    struct pm_frame_sum *sums;      /* in the order in which these frames first appear in sites */
    u32 count, capacity;
};

/* Reads all sites of profile, which must outlive sums. Release it. */
void pm_frame_sums_build(struct pm_frame_sums *sums, const struct pm_profile *profile);
void pm_frame_sums_release(struct pm_frame_sums *sums);

/* Adds what site number index of profile requested to figures. */
void pm_figures_add_site(struct pm_figures *figures, const struct pm_profile *profile, u32 index);
/* Adds more to figures. */
void pm_figures_add(struct pm_figures *figures, const struct pm_figures *more);

/* The innermost Python frame of stack, or NULL when it has none. */
const struct pm_frame *pm_profile_python_frame(const struct pm_profile *profile,
                                               struct pm_stack_id stack);
/* The C function that requested the memory: the innermost native frame that is not an
   allocator. If it has no name (a stripped object), the next frame outwards in the same object
   that has one. If all are allocators, the outermost native frame; NULL for a stack without
   native frames. */
const struct pm_frame *pm_profile_caller(const struct pm_profile *profile,
                                         struct pm_stack_id stack);

#endif
