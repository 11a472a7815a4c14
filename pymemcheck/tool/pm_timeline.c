/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_libcproc.h"

#include "tool/pm_timeline.h"

#include "base/pm_platform.h"
#include "tool/pm_freeze.h"
#include "tool/pm_output.h"
#include "tool/pm_run.h"

enum {
    EVENTS_BETWEEN_LOOKS = 256,     /* at the clock */
    PAUSE_FACTOR = 20,              /* a write that took so long is followed by a pause of so many times that */
};

static u32 elapsed_ms(const struct pm_run *run)
{
    return VG_(read_millisecond_timer)() - run->start_ms;
}

/* --- Writing --- */

/* Without a leak search, which takes long and would name what is still in use. */
static void write_profile(struct pm_run *run)
{
    struct pm_frozen frozen;

    pm_freeze_for_file(run, PM_END_RUNNING, 0, &frozen);
    pm_output_write_files(run, &frozen.profile);
    pm_freeze_release(run, &frozen);
}

static void write_if_due(struct pm_run *run)
{
    struct pm_timeline *timeline = &run->timeline;
    const u32 before = elapsed_ms(run);

    if (!run->options.snapshot_write || before < timeline->write_again_ms)
        return;
    write_profile(run);
    const u32 after = elapsed_ms(run);
    timeline->write_again_ms = after + PAUSE_FACTOR * (after - before);
}

/* --- Taking --- */

/* How far the run is, in the unit of --snapshot-every=. */
static u64 progress(const struct pm_run *run)
{
    switch (run->options.snapshot_every.unit) {
    case PM_PACE_BYTES:
        return run->totals.bytes;
    case PM_PACE_ALLOCS:
        return run->totals.allocs;
    case PM_PACE_MS:
        return elapsed_ms(run);
    case PM_PACE_NONE:
        break;
    }
    return 0;
}

/* The next snapshot is at a multiple of the distance. */
static void set_next(struct pm_timeline *timeline, u64 now)
{
    timeline->next = (now / timeline->distance + 1) * timeline->distance;
}

static bool take(struct pm_run *run, const char *name)
{
    struct pm_timeline *timeline = &run->timeline;
    const u32 refused = timeline->moments.refused;
    const struct pm_moment_place place = {
        .serial = run->serial, .elapsed_ms = elapsed_ms(run), .total_bytes = run->totals.bytes,
    };
    const struct pm_string_id id = pm_strings_intern_text(&run->strings, name);
    const bool thinned = pm_moments_take(&timeline->moments, &run->sites, &place, id);

    if (thinned && timeline->distance > 0) {
        timeline->distance *= 2;
        set_next(timeline, progress(run));
    }
    return timeline->moments.refused == refused;
}

bool pm_timeline_take(struct pm_run *run, const char *name)
{
    struct pm_timeline *timeline = &run->timeline;
    const bool taken = take(run, name == NULL ? "" : name);

    if (taken) {
        write_if_due(run);
    } else if (!timeline->told_refused) {
        timeline->told_refused = true;
        VG_(umsg)("pymemcheck: warning: there is no room for more snapshots: later ones are left out.\n");
    }
    return taken;
}

/* --- When --- */

static bool is_due(struct pm_run *run)
{
    struct pm_timeline *timeline = &run->timeline;

    if (run->options.snapshot_every.unit == PM_PACE_MS) {
        if (++timeline->events < EVENTS_BETWEEN_LOOKS)
            return false;
        timeline->events = 0;
    }
    return progress(run) >= timeline->next;
}

static void on_event(void *context, const struct pm_event *event)
{
    struct pm_run *run = context;

    if ((event->kind != PM_EVENT_ALLOCATED && event->kind != PM_EVENT_RESIZED) || !is_due(run))
        return;
    set_next(&run->timeline, progress(run));
    pm_timeline_take(run, "");
}

void pm_timeline_begin(struct pm_run *run)
{
    struct pm_timeline *timeline = &run->timeline;

    pm_moments_init(&timeline->moments, run->options.max_snapshots);
    if (run->options.snapshot_every.unit == PM_PACE_NONE)
        return;
    timeline->distance = run->options.snapshot_every.distance;
    set_next(timeline, 0);
    pm_events_listen(&run->events, on_event, run);
}
