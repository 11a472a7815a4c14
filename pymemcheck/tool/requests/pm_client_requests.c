/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_aspacemgr.h"
#include "pub_tool_libcprint.h"

#include "tool/requests/pm_client_requests.h"

#include "base/pm_platform.h"
#include "tool/pm_memory.h"
#include "tool/pm_run.h"
#include "tool/requests/pm_answer.h"
#include "tool/requests/pm_block_info.h"
#include "tool/requests/pm_phase_requests.h"
#include "tool/requests/pm_pointers_info.h"
#include "tool/requests/pm_profile_now.h"
#include "tool/requests/pm_search_request.h"
#include "tool/requests/pm_watch_request.h"
#include "tool/trace/pm_event_log.h"

/* --- Counters --- */

/* All that the core mapped for itself and for the tool, translated code included. */
static u64 tool_bytes(void)
{
    u64 bytes = 0;
    u32 count;
    u64 *starts = pm_memory_segments(SkAnonV, &count);

    for (u32 i = 0; i < count; i++) {
        const NSegment *segment = VG_(am_find_nsegment)(starts[i]);
        bytes += segment != NULL ? segment->end + 1 - segment->start : 0;
    }
    pm_free(starts);
    return bytes;
}

static long counters(struct pm_run *run, u64 address, u64 size)
{
    const struct pymemcheck_counters all = {
        .live_bytes = run->sites.live_bytes,
        .live_blocks = run->sites.live_blocks,
        .peak_bytes = run->sites.peak_bytes,
        .peak_blocks = run->sites.peak_blocks,
        .total_bytes = run->totals.bytes,
        .allocs = run->totals.allocs,
        .frees = run->totals.frees,
        .tool_bytes = size >= sizeof all ? tool_bytes() : 0,
    };
    const u64 bytes = (size < sizeof all ? size : sizeof all) / sizeof all.live_bytes * sizeof all.live_bytes;

    return bytes > 0 && pm_memory_write(address, &all, bytes) ? (long)bytes : PYMEMCHECK_BAD_ARGUMENT;
}

/* --- Snapshots, event log --- */

static long snapshot(struct pm_run *run, u64 address)
{
    char name[PM_ANSWER_NAME_BYTES];

    if (!pm_answer_name(run, address, name))
        return PYMEMCHECK_BAD_ARGUMENT;
    return pm_timeline_take(run, name) ? 1 : PYMEMCHECK_NOT_SUPPORTED;
}

/* The event log. */
static long event_log(struct pm_run *run, u64 on)
{
    (void)run;
    if (on > 1)
        return PYMEMCHECK_BAD_ARGUMENT;
    return pm_trace_switch(on == 1) ? 1 : PYMEMCHECK_NOT_SUPPORTED;
}

/* --- All requests --- */

static long reset_peak(struct pm_run *run)
{
    pm_sites_reset_peak(&run->sites);
    run->peak_serial = run->serial;
    return PM_ANSWER_DONE;
}

static long recording(struct pm_run *run, u32 tid, u64 on)
{
    return on <= 1 && pm_recording_switch(run, tid, on != 0) ? PM_ANSWER_DONE : PYMEMCHECK_BAD_ARGUMENT;
}

static long carry_out(struct pm_run *run, u32 tid, u64 number, const u64 *arguments)
{
    switch (number) {
    case PYMEMCHECK_NUMBER_VERSION:
        return PYMEMCHECK_PROTOCOL;
    case PYMEMCHECK_NUMBER_COUNTERS:
        return counters(run, arguments[0], arguments[1]);
    case PYMEMCHECK_NUMBER_RESET_PEAK:
        return reset_peak(run);
    case PYMEMCHECK_NUMBER_SNAPSHOT:
        return snapshot(run, arguments[0]);
    case PYMEMCHECK_NUMBER_PHASE_BEGIN:
        return pm_phase_begin(run, tid, arguments[0]);
    case PYMEMCHECK_NUMBER_PHASE_END:
        return pm_phase_end(run, tid, arguments[0]);
    case PYMEMCHECK_NUMBER_MARK:
        return (long)pm_phase_mark(run);
    case PYMEMCHECK_NUMBER_LEAK_SEARCH:
        return pm_search_request(run, arguments[0]);
    case PYMEMCHECK_NUMBER_BLOCK_INFO:
        return pm_block_info(run, arguments[0], arguments[1], arguments[2]);
    case PYMEMCHECK_NUMBER_WHO_POINTS_AT:
        return pm_pointers_info(run, arguments[0], arguments[1], arguments[2]);
    case PYMEMCHECK_NUMBER_RECORDING:
        return recording(run, tid, arguments[0]);
    case PYMEMCHECK_NUMBER_EVENT_LOG:
        return event_log(run, arguments[0]);
    case PYMEMCHECK_NUMBER_WRITE_PROFILE:
        return pm_profile_now(run, arguments[0]);
    case PYMEMCHECK_NUMBER_WATCH:
        return pm_watch_request(run, arguments[0]);
    default:
        return PYMEMCHECK_NOT_SUPPORTED;    /* of a newer header */
    }
}

bool pm_client_requests_answer(struct pm_run *run, u32 tid, const u64 *args, u64 *answer)
{
    if (!VG_IS_TOOL_USERREQ('P', 'Y', args[0]))
        return false;
    *answer = (u64)carry_out(run, tid, args[0] - PYMEMCHECK_REQUEST_BASE, args + 1);
    return true;
}

void pm_client_requests_thread_ends(struct pm_run *run, u32 tid)
{
    pm_recording_thread_ends(&run->recording, tid);
    pm_phase_thread_ends(run, tid);
}

void pm_client_requests_forked(struct pm_run *run, u32 tid)
{
    pm_recording_forked(&run->recording, tid);
    pm_phase_forked(run, tid);
    pm_search_forked(run);
}
