/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "pub_tool_basics.h"
#include "pub_tool_clientstate.h"
#include "pub_tool_libcproc.h"
#include "pub_tool_xarray.h"

#include "tool/pm_freeze.h"

#include "base/pm_platform.h"
#include "tool/capture/pm_site_domains.h"
#include "tool/pm_hint.h"
#include "tool/pm_run.h"
#include "tool/requests/pm_phase_requests.h"
#include "tool/watch/pm_watch_cases.h"

/* argv of the program. The caller owns the array, the core owns the texts. */
static const char **command_of(size_t *length)
{
    size_t count = VG_(args_the_exename) != NULL ? 1 : 0;
    Word others = VG_(sizeXA)(VG_(args_for_client));
    const char **command = pm_alloc("pm.command", (count + (size_t)others) * sizeof *command);

    if (count == 1)
        command[0] = VG_(args_the_exename);
    for (Word i = 0; i < others; i++)
        command[count++] = *(HChar **)VG_(indexXA)(VG_(args_for_client), i);
    *length = count;
    return command;
}

static void describe_python(const struct pm_run *run, struct pm_profile *profile,
                            struct pm_buffer *text)
{
    const struct pm_python *python = &run->python;

    if (python->state == PM_PYTHON_REFUSED) {
        profile->python_refused = python->why;
    } else if (python->state == PM_PYTHON_READY) {
        pm_buffer_add_text(text, "CPython ");
        pm_buffer_add_text(text, python->interpreter.version);
        if (python->interpreter.debug)
            pm_buffer_add_text(text, " (debug build)");
        profile->python = text->bytes;
    }
}

static struct pm_profile profile_of(const struct pm_run *run, enum pm_end end, int exit_status)
{
    return (struct pm_profile){
        .pid = (u64)VG_(getpid)(),
        .ppid = (u64)VG_(getppid)(),
        .tool_version = PM_VERSION,
        .valgrind_version = PM_VALGRIND_VERSION,
        .hint = pm_hint(run),
        .pymalloc = run->options.pymalloc,
        .debug_hooks = run->totals.padding_bytes > 0,
        .end = end,
        .exit_status = exit_status,
        .elapsed_ms = VG_(read_millisecond_timer)() - run->start_ms,
        .total_allocs = run->totals.allocs,
        .total_frees = run->totals.frees,
        .total_bytes = run->totals.bytes,
        .live_bytes = run->sites.live_bytes,
        .live_blocks = run->sites.live_blocks,
        .peak_bytes = run->sites.peak_bytes,
        .peak_blocks = run->sites.peak_blocks,
        .peak_since = run->peak_serial,
        .padding_bytes = run->totals.padding_bytes,
        .reused_blocks = run->totals.reused_blocks,
        .troubles = run->troubles,
        .strings = &run->strings,
        .frames = &run->frames,
        .stacks = &run->stacks,
        .sites = &run->sites,
        .phases = &run->phases,
        .moments = &run->timeline.moments,
        .wrong_frees = &run->errors.wrong_frees,
    };
}

void pm_freeze(struct pm_run *run, enum pm_end end, int exit_status, struct pm_frozen *frozen)
{
    pm_native_add_lines(&run->native);
    pm_sites_settle(&run->sites);
    pm_phase_settle(run);
    frozen->profile = profile_of(run, end, exit_status);
    frozen->profile.command = frozen->command = command_of(&frozen->profile.command_length);
    pm_buffer_init(&frozen->python);
    if (run->watch.on) {
        pm_watch_report(run, &frozen->watched);
        frozen->profile.watched = &frozen->watched;
    }
    describe_python(run, &frozen->profile, &frozen->python);
    frozen->domains = NULL;
    pm_source_init(&run->output.source);
}

void pm_freeze_for_file(struct pm_run *run, enum pm_end end, int exit_status, struct pm_frozen *frozen)
{
    pm_freeze(run, end, exit_status, frozen);
    frozen->profile.domains = frozen->domains = pm_site_domains(run);
}

void pm_freeze_release(struct pm_run *run, struct pm_frozen *frozen)
{
    pm_free(frozen->domains);
    pm_source_release(&run->output.source);
    pm_buffer_release(&frozen->python);
    pm_free(frozen->command);
}
