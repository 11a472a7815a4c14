/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tool/core/pm_core_symbols.h"

#include "base/pm_platform.h"
#include "tool/core/pm_core.h"

#if PM_CORE_UNWIND

bool pm_core_can_unwind(void)
{
    return vgPlain_clo_merge_recursive_frames <= 0;
}

unsigned pm_core_unwind_from(u32 tid, const struct pm_unwind_frame *start, u64 stack_high, unsigned limit,
                             unsigned long *ips, unsigned long *sps, unsigned long *fps)
{
    const struct pm_core_unwind_registers registers = {
        .r_pc = start->instruction,
        .r_sp = start->stack_pointer,
        .r_rbp = start->frame_pointer,
    };

    return vgPlain_get_StackTrace_wrk(tid, ips, limit, sps, fps, &registers, stack_high);
}

void pm_core_stack_limits(u64 stack_pointer, u64 *low, u64 *high)
{
    Addr start = 0, end = 0;

    vgPlain_stack_limits(stack_pointer, &start, &end);
    *low = start;
    *high = end;
}

#else

bool pm_core_can_unwind(void)
{
    return false;
}

unsigned pm_core_unwind_from(u32 tid, const struct pm_unwind_frame *start, u64 stack_high, unsigned limit,
                             unsigned long *ips, unsigned long *sps, unsigned long *fps)
{
    (void)tid;
    (void)start;
    (void)stack_high;
    (void)limit;
    (void)ips;
    (void)sps;
    (void)fps;
    pm_panic(__FILE__, __LINE__, "pm_core_can_unwind said no");
}

void pm_core_stack_limits(u64 stack_pointer, u64 *low, u64 *high)
{
    (void)stack_pointer;
    *low = *high = 0;
}

#endif
