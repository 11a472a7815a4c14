/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A system call. The tool API has no function for those that this folder needs. */
#ifndef PM_CORE_KERNEL_H
#define PM_CORE_KERNEL_H

#include "base/pm_types.h"

/* Returns what the kernel returns: an error is a negative number. Arguments that the call does not have are 0. */
static inline long pm_core_call_kernel(long number, u64 first, u64 second, u64 third, u64 fourth)
{
    long result;
    register u64 in_r10 __asm__("r10") = fourth;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(first), "S"(second), "d"(third), "r"(in_r10)
                     : "rcx", "r11", "memory");
    return result;
}

#endif
