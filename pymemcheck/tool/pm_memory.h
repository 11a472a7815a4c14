/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the program's memory allows: which pages can be read, which can be written, and where tables of
   virtual functions are.

   The address space manager knows mappings and their protection. It does not know that a page cannot be
   touched all the same: it lies behind the end of a file or of shared memory, or is a guard page
   (MADV_GUARD_INSTALL). So the kernel is asked before a page is read for the first time. */
#ifndef PM_MEMORY_H
#define PM_MEMORY_H

#include "base/pm_reader.h"
#include "base/pm_types.h"

/* For pm_reader_init: the page's bytes, or NULL if they cannot be read. Cost: a search among the
   mappings, and a system call. */
const u8 *pm_memory_map_page(void *context, u64 address);

enum { PM_MEMORY_WINDOW_PAGES = 512 };

/* Reads all memory in turn, as the leak search does. Pages that hold nothing, since the program never
   wrote to them, count as unreadable, and stay untouched: a mapping of gigabytes that
   is hardly used takes neither memory nor time. One system call says this of a window of pages, which is
   small where pages are not read in order. Each page that holds something costs one more. */
struct pm_memory_scan {
    struct pm_reader reader;
    u64 first_page, page_count; /* the window */
    u8 in_memory[PM_MEMORY_WINDOW_PAGES];       /* bit 0: the page may hold something */
    int page_map;               /* file descriptor of /proc/self/pagemap; below 0: there is none */
    u64 entries[PM_MEMORY_WINDOW_PAGES];        /* of the page map */
    u64 file_start;             /* of the mapped file that was looked at last; 0: none */
    u8 *file_pages;             /* which of its pages are in memory */
};

/* Makes scan->reader ready. Between begin and end the program must not run, and *scan stays where it is. */
void pm_memory_scan_begin(struct pm_memory_scan *scan);
void pm_memory_scan_end(struct pm_memory_scan *scan);

/* Where segments of these kinds (SegKind of the core) start, ascending. The caller frees them (pm_free). */
u64 *pm_memory_segments(u32 kinds, u32 *count);

/* Whether the program itself could write all of these bytes. Cost: a search among the mappings. */
bool pm_memory_is_writable(u64 address, u64 bytes);
/* Whether the tool can write all of these bytes, as the program could. bytes may be 0. Cost: a system call for each
   page. */
bool pm_memory_can_write(u64 address, u64 bytes);
/* Copies bytes from the tool's memory into the program's; false, with nothing written, if that is not possible. */
bool pm_memory_write(u64 address, const void *from, u64 bytes);
/* Fills what can be written of these bytes, page by page. */
void pm_memory_fill_writable(u64 address, u8 value, u64 bytes);
/* Copies between memory that does not overlap; what cannot be read or written is left out, page by page
   of each side. */
void pm_memory_copy_readable(u64 to, u64 from, u64 bytes);

/* For struct pm_leaks: whether at address, in a mapped file, there may be a table of
   virtual functions: nothing but pointers to code, and NULL, until two pointers to code
   were seen. As aligned_ptr_above_page0_is_vtable_addr in
   memcheck/mc_leakcheck.c of Valgrind 3.19. */
bool pm_memory_is_vtable(struct pm_reader *reader, u64 address);

#endif
