/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tool/requests/pm_watch_request.h"

#include "tool/allocator/pm_allocator.h"
#include "tool/pm_run.h"
#include "tool/requests/pm_answer.h"
#include "tool/requests/pm_block_info.h"

long pm_watch_request(struct pm_run *run, u64 address)
{
    struct pm_objects objects;
    struct pm_object object;
    long answer = PYMEMCHECK_BAD_ARGUMENT;

    if (!run->watch.on || run->python.state != PM_PYTHON_READY)
        return PYMEMCHECK_NOT_SUPPORTED;
    if (pm_watch_returned(run, address) != PM_WATCH_NONE)       /* also one that another rule is about to choose */
        return PM_ANSWER_DONE;
    pm_reader_forget(&run->reader);
    if (pm_objects_init(&objects, &run->reader, &run->strings, &run->python.interpreter)
            && pm_objects_at(&objects, address, &object)) {
        const struct pm_block *block = pm_block_holding(run, address);
        const struct pm_stack_id birth = block != NULL ? pm_allocator_stack(run, block) : PM_STACK_EMPTY;
        answer = pm_watch_begin_older(run, &objects, &object, birth) ? PM_ANSWER_DONE : PYMEMCHECK_NOT_SUPPORTED;
    }
    pm_objects_release(&objects);
    return answer;
}
