/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions about the program's memory to the kernel. Tools have no call for them
   (include/pub_tool_libcsignal.h and pub_tool_libcfile.h, 3.19 to 3.27), so the system calls are made
   here: nothing of the core is used. */
#include "pub_tool_basics.h"
#include "pub_tool_vki.h"
#include "pub_tool_vkiscnums.h"

#include "tool/core/pm_core.h"

#include "base/pm_reader.h"

enum { NO_SUCH_ACTION = -1 };

static long call_kernel(long number, u64 first, u64 second, u64 third, u64 fourth)
{
    long result;
    register u64 in_r10 __asm__("r10") = fourth;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(first), "S"(second), "d"(third), "r"(in_r10)
                     : "rcx", "r11", "memory");
    return result;
}

/* rt_sigprocmask copies the mask first (kernel/signal.c), and only then refuses an unknown action. */
bool pm_core_can_read(u64 address)
{
    return call_kernel(__NR_rt_sigprocmask, (u64)NO_SUCH_ACTION, address, 0, sizeof(u64)) != -VKI_EFAULT;
}

bool pm_core_pages_in_memory(u64 address, u64 pages, u8 *vector)
{
    return call_kernel(__NR_mincore, address, pages << PM_READER_PAGE_BITS, (u64)vector, 0) == 0;
}
