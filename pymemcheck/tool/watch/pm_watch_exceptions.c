/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tool/watch/pm_watch_exceptions.h"

#include "base/pm_platform.h"
#include "tool/pm_run.h"
#include "tool/watch/pm_watch.h"

enum pm_watch_exception_call pm_watch_exception_call_of(const char *function)
{
    static const struct {
        const char *name;
        enum pm_watch_exception_call call;
    } functions[] = {
        { "PyErr_Fetch", PM_WATCH_FETCH }, { "PyErr_GetExcInfo", PM_WATCH_FETCH },
        { "PyErr_Restore", PM_WATCH_RESTORE }, { "PyErr_SetExcInfo", PM_WATCH_RESTORE },
        { "PyErr_SetRaisedException", PM_WATCH_RESTORE_ONE },
    };

    for (size_t i = 0; i < PM_ARRAY_LENGTH(functions); i++)
        if (pm_text_equal(function, functions[i].name))
            return functions[i].call;
    return PM_WATCH_NO_EXCEPTION_CALL;
}

static void move(struct pm_run *run, u32 tid, u64 object, bool given, u64 stack_pointer)
{
    const u32 index = pm_watch_returned(run, object);

    if (index != PM_WATCH_NONE)
        pm_watch_return(run, tid, index, given, stack_pointer);
}

void pm_watch_exception_called(struct pm_run *run, u32 tid, enum pm_watch_exception_call call,
                               const u64 arguments[PM_WATCH_EXCEPTION_PARTS], u64 stack_pointer)
{
    struct pm_watch_fetch *fetch = &run->watch.fetch;
    const u32 count = call == PM_WATCH_RESTORE_ONE ? 1 : PM_WATCH_EXCEPTION_PARTS;

    if (call == PM_WATCH_FETCH) {
        *fetch = (struct pm_watch_fetch){ .tid = tid, .stack_pointer = stack_pointer };
        pm_copy(fetch->places, arguments, sizeof fetch->places);
        return;
    }
    for (u32 i = 0; i < count; i++)
        move(run, tid, arguments[i], true, stack_pointer);
}

void pm_watch_exception_fetched(struct pm_run *run, u32 tid, u64 stack_pointer)
{
    struct pm_watch_fetch *fetch = &run->watch.fetch;
    u64 object;

    if (fetch->tid != tid || fetch->stack_pointer != stack_pointer)
        return;
    fetch->tid = 0;
    for (u32 i = 0; i < PM_WATCH_EXCEPTION_PARTS; i++)
        if (pm_reader_read_u64(&run->reader, fetch->places[i], &object))
            move(run, tid, object, false, stack_pointer);
}
