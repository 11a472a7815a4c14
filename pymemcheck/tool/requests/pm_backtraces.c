/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_aspacemgr.h"
#include "pub_tool_machine.h"
#include "pub_tool_vki.h"

#include "tool/requests/pm_backtraces.h"

#include "report/pm_text_parts.h"
#include "tool/pm_run.h"

/* The core's unwinder would fault where a stack overflowed. */
static bool has_stack(ThreadId tid)
{
    return VG_(am_is_valid_for_client)(VG_(get_SP)(tid), sizeof(UWord), VKI_PROT_READ);
}

/* Source lines of frames that were never seen before are read first. */
static void put_thread(struct pm_run *run, struct pm_text *text, ThreadId tid)
{
    pm_text_add(text, "thread ");
    pm_text_add_number(text, tid);
    if (!has_stack(tid)) {
        pm_text_put_line(text, ": its stack cannot be read");
        return;
    }
    pm_text_put_line(text, ":");
    const struct pm_stack_id stack = pm_capture_stack(run, tid).stack;
    pm_native_add_lines(&run->native);
    pm_text_put_stack(text, stack, true);
    pm_text_end_line(text);
}

static bool each_thread(struct pm_run *run, struct pm_text *text, u64 wanted,
                        void (*put)(struct pm_run *run, struct pm_text *text, ThreadId tid))
{
    ThreadId tid;
    Addr lowest, highest;
    bool found = false;

    VG_(thread_stack_reset_iter)(&tid);
    while (VG_(thread_stack_next)(&tid, &lowest, &highest))
        if (wanted == 0 || wanted == tid) {
            put(run, text, tid);
            found = true;
        }
    return found;
}

static void put_number(struct pm_run *run, struct pm_text *text, ThreadId tid)
{
    (void)run;
    pm_text_add(text, " ");
    pm_text_add_number(text, tid);
}

void pm_backtraces_write(struct pm_run *run, struct pm_text *text, u64 tid)
{
    if (each_thread(run, text, tid, put_thread))
        return;
    pm_text_add(text, "py_bt: there is no thread ");
    pm_text_add_number(text, tid);
    pm_text_add(text, ", but");
    each_thread(run, text, 0, put_number);
    pm_text_end_line(text);
}
