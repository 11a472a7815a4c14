/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions about the program's memory to the kernel, which never fault. Tools have no call for
   them (include/pub_tool_libcsignal.h and pub_tool_libcfile.h, 3.19 to 3.27). */
#ifndef PM_CORE_PROBE_H
#define PM_CORE_PROBE_H

#include "base/pm_types.h"

/* Whether the eight bytes at address can be read. A page that was never touched is made readable by it,
   as a read would do. Cost: one system call, a tenth of a microsecond. */
bool pm_core_can_read(u64 address);

/* Sets bit 0 of vector[i] if page number i from address (a multiple of the page size) is in
   memory: in the page table, or in the cache of the file that is mapped there. Touches nothing. False, with vector unspecified,
   if some of these pages are not mapped. */
bool pm_core_pages_in_memory(u64 address, u64 pages, u8 *vector);

#endif
