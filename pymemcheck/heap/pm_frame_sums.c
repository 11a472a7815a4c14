/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heap/pm_frame_sums.h"

#include "base/pm_platform.h"

const struct pm_frame *pm_profile_python_frame(const struct pm_profile *profile,
                                               struct pm_stack_id stack)
{
    while (stack.v != 0) {
        struct pm_stack_node node = pm_stacks_node(profile->stacks, stack);
        const struct pm_frame *frame = pm_frames_get(profile->frames, node.frame);
        if (frame->kind == PM_FRAME_PYTHON)
            return frame;
        stack = node.parent;
    }
    return NULL;
}

const struct pm_frame *pm_profile_caller(const struct pm_profile *profile,
                                         struct pm_stack_id stack)
{
    const struct pm_frame *outermost = NULL, *unnamed = NULL;

    while (stack.v != 0) {
        struct pm_stack_node node = pm_stacks_node(profile->stacks, stack);
        const struct pm_frame *frame = pm_frames_get(profile->frames, node.frame);
        stack = node.parent;
        if (frame->kind != PM_FRAME_NATIVE)
            continue;
        outermost = frame;
        if (unnamed != NULL && frame->object.v != unnamed->object.v)
            break;
        if (frame->flags & PM_FRAME_ALLOCATOR)
            continue;
        if (frame->function.v != 0)
            return frame;
        if (unnamed == NULL)
            unnamed = frame;
    }
    return unnamed != NULL ? unnamed : outermost;
}

void pm_figures_add_site(struct pm_figures *figures, const struct pm_profile *profile, u32 index)
{
    const struct pm_site *site = pm_sites_at(profile->sites, index);
    const struct pm_sites_moment *before = profile->before;
    const bool was_live = before != NULL && index < before->count;
    const struct pm_figures more = {
        .total_bytes = site->total_bytes,
        .total_blocks = site->total_blocks,
        .live_bytes = site->live_bytes,
        .live_blocks = site->live_blocks,
        .peak_bytes = pm_sites_peak_bytes(profile->sites, site),
        .peak_blocks = pm_sites_peak_blocks(profile->sites, site),
        .before_bytes = was_live ? before->sites[index].bytes : 0,
        .before_blocks = was_live ? before->sites[index].blocks : 0,
        .sizes = site->sizes,       /* as the site has them */
    };

    pm_figures_add(figures, &more);
}

void pm_figures_add(struct pm_figures *figures, const struct pm_figures *more)
{
    figures->total_bytes += more->total_bytes;
    figures->total_blocks += more->total_blocks;
    figures->live_bytes += more->live_bytes;
    figures->live_blocks += more->live_blocks;
    figures->peak_bytes += more->peak_bytes;
    figures->peak_blocks += more->peak_blocks;
    figures->before_bytes += more->before_bytes;
    figures->before_blocks += more->before_blocks;
    pm_histogram_merge(&figures->sizes, &more->sizes);
}

/* The sum of frame, which may be NULL. by_frame has frame id -> number of the sum + 1, and
   NULL at its last place. If it has none, a new sum is made, with site number index as its
   first. */
static struct pm_frame_sum *sum_of(struct pm_frame_sums *sums, u32 *by_frame,
                                   const struct pm_frame *frame, u32 index)
{
    const struct pm_frames *frames = sums->profile->frames;
    u32 *known = &by_frame[frame != NULL ? (u32)(frame - frames->entries) : frames->count];

    if (*known == 0) {
        const struct pm_site *site = pm_sites_at(sums->profile->sites, index);
        if (sums->count == sums->capacity) {
            sums->capacity = sums->capacity != 0 ? sums->capacity * 2 : 256;
            sums->sums = pm_realloc("pm.framesums", sums->sums,
                                    sums->capacity * sizeof *sums->sums);
        }
        sums->sums[sums->count++] = (struct pm_frame_sum){
            .frame = frame,
            .stack = pm_site_stack(site),
            .most_bytes = site->total_bytes,
            .most_site = index,
        };
        *known = sums->count;
    }
    return &sums->sums[*known - 1];
}

void pm_frame_sums_build(struct pm_frame_sums *sums, const struct pm_profile *profile)
{
    u32 *by_frame = pm_alloc_zero("pm.framesums",
                                  ((size_t)profile->frames->count + 1) * sizeof *by_frame);

    *sums = (struct pm_frame_sums){ .profile = profile };
    for (u32 i = 0; i < profile->sites->count; i++) {
        const struct pm_site *site = pm_sites_at(profile->sites, i);
        const struct pm_frame *frame = pm_profile_python_frame(profile, pm_site_stack(site));
        if (frame == NULL)
            frame = pm_profile_caller(profile, pm_site_stack(site));
        struct pm_frame_sum *sum = sum_of(sums, by_frame, frame, i);
        if (site->total_bytes > sum->most_bytes) {
            sum->stack = pm_site_stack(site);
            sum->most_bytes = site->total_bytes;
            sum->most_site = i;
        }
        pm_figures_add_site(&sum->figures, profile, i);
    }
    pm_free(by_frame);
}

void pm_frame_sums_release(struct pm_frame_sums *sums)
{
    for (u32 i = 0; i < sums->count; i++)
        pm_histogram_release(&sums->sums[i].figures.sizes);
    pm_free(sums->sums);
    *sums = (struct pm_frame_sums){ 0 };
}
