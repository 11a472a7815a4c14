/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the address space manager knows of the program's memory, as the reader and
   the leak search ask for it. */
#ifndef PM_MEMORY_H
#define PM_MEMORY_H

#include "base/pm_reader.h"
#include "base/pm_types.h"

/* For pm_reader_init: the page's bytes, or NULL where the program may not read
   them, or where they are behind the end of a mapped file. Cost: a search among
   the mappings, and for those of files a try. */
const u8 *pm_memory_map_page(void *context, u64 address);

/* For struct pm_leaks: whether at address, in a mapped file, there may be a table of
   virtual functions: nothing but pointers to code, and NULL, until two pointers to code
   were seen. As aligned_ptr_above_page0_is_vtable_addr in
   memcheck/mc_leakcheck.c of Valgrind 3.19. */
bool pm_memory_is_vtable(struct pm_reader *reader, u64 address);

#endif
