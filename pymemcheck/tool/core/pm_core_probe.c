/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions about the program's memory to the kernel. Tools have no call for them
   (include/pub_tool_libcsignal.h and pub_tool_libcfile.h, 3.19 to 3.27), so the system calls are made
   here: nothing of the core is used. */
#include "pub_tool_basics.h"
#include "pub_tool_vki.h"
#include "pub_tool_vkiscnums.h"

#include "tool/core/pm_core.h"
#include "tool/core/pm_core_kernel.h"

#include "base/pm_reader.h"

enum { NO_SUCH_ACTION = -1 };

/* rt_sigprocmask copies the mask first (kernel/signal.c), and only then refuses an unknown action. */
bool pm_core_can_read(u64 address)
{
    return pm_core_call_kernel(__NR_rt_sigprocmask, (u64)NO_SUCH_ACTION, address, 0, sizeof(u64)) != -VKI_EFAULT;
}

bool pm_core_pages_in_memory(u64 address, u64 pages, u8 *vector)
{
    return pm_core_call_kernel(__NR_mincore, address, pages << PM_READER_PAGE_BITS, (u64)vector, 0) == 0;
}
