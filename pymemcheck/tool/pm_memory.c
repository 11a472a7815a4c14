/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_aspacemgr.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_libcfile.h"
#include "pub_tool_vki.h"

#include "tool/pm_memory.h"

#include "base/pm_platform.h"
#include "tool/core/pm_core.h"

/* Memcheck's VTABLE_MAX_CHECK: one more word than this is looked at. */
enum { VTABLE_WORDS = 20 };

/* Bits of an entry of /proc/self/pagemap (Documentation/admin-guide/mm/pagemap.rst). */
#define IN_PAGE_TABLE (1ull << 63)
#define SWAPPED_OUT (1ull << 62)

enum { PAGE_BYTES = 1 << PM_READER_PAGE_BITS, FIRST_WINDOW_PAGES = 8 };

const u8 *pm_memory_map_page(void *context, u64 address)
{
    (void)context;
    return VG_(am_is_valid_for_client)(address, PAGE_BYTES, VKI_PROT_READ)
            && pm_core_can_read(address)
        ? (const u8 *)address : NULL;
}

/* A page that is swapped out is not in memory either, and only the page map tells it from one that was never
   written. Without the page map each page may hold something. */
static void add_swapped_pages(struct pm_memory_scan *scan)
{
    const Int bytes = (Int)(scan->page_count * sizeof scan->entries[0]);
    const Off64T offset = (Off64T)(scan->first_page * sizeof scan->entries[0]);
    const bool known = scan->page_map >= 0
        && VG_(lseek)(scan->page_map, offset, VKI_SEEK_SET) == offset
        && VG_(read)(scan->page_map, scan->entries, bytes) == bytes;

    for (u64 i = 0; i < scan->page_count; i++)
        if (!known || (scan->entries[i] & (IN_PAGE_TABLE | SWAPPED_OUT)) != 0)
            scan->in_memory[i] = 1;
}

static bool are_all_in_memory(const struct pm_memory_scan *scan)
{
    u8 all = 1;

    for (u64 i = 0; i < scan->page_count; i++)
        all &= scan->in_memory[i];
    return all != 0;
}

/* What of a mapped file is in its cache, asked before any of it is touched: reading one page can make the
   kernel read the next ones ahead, and they would then look as if they were in use. */
static bool look_at_file(struct pm_memory_scan *scan, const NSegment *segment)
{
    const u64 pages = (segment->end + 1 - segment->start) >> PM_READER_PAGE_BITS;

    if (scan->file_start != segment->start) {
        scan->file_pages = pm_realloc("pm.memory", scan->file_pages, pages);
        scan->file_start = pm_core_pages_in_memory(segment->start, pages, scan->file_pages) ? segment->start : 0;
    }
    return scan->file_start != 0;
}

static bool look_at_pages(struct pm_memory_scan *scan, const NSegment *segment)
{
    const u64 start = scan->first_page << PM_READER_PAGE_BITS;

    if (segment == NULL || segment->kind != SkFileC)
        return pm_core_pages_in_memory(start, scan->page_count, scan->in_memory);
    if (!look_at_file(scan, segment))
        return false;
    pm_copy(scan->in_memory, scan->file_pages + ((start - segment->start) >> PM_READER_PAGE_BITS),
            scan->page_count);
    return true;
}

/* The window begins at page, and is in one mapping. */
static void open_window(struct pm_memory_scan *scan, u64 page)
{
    const NSegment *segment = VG_(am_find_nsegment)(page << PM_READER_PAGE_BITS);
    const u64 left = segment == NULL ? 1 : ((segment->end + 1) >> PM_READER_PAGE_BITS) - page;
    u64 pages = FIRST_WINDOW_PAGES;

    if (page == scan->first_page + scan->page_count)
        pages = scan->page_count * 2 < PM_MEMORY_WINDOW_PAGES ? scan->page_count * 2 : PM_MEMORY_WINDOW_PAGES;
    scan->first_page = page;
    scan->page_count = pages < left ? pages : left;
    if (!look_at_pages(scan, segment))
        pm_zero(scan->in_memory, scan->page_count);
    if (!are_all_in_memory(scan))
        add_swapped_pages(scan);
}

/* A page that is neither in memory nor swapped out was never written by the program: it is all zero, or
   as it is in the file. */
static const u8 *map_for_scan(void *context, u64 address)
{
    struct pm_memory_scan *scan = context;
    const u64 page = address >> PM_READER_PAGE_BITS;

    if (!VG_(am_is_valid_for_client)(address, PAGE_BYTES, VKI_PROT_READ))
        return NULL;
    if (page - scan->first_page >= scan->page_count)
        open_window(scan, page);
    return (scan->in_memory[page - scan->first_page] & 1) != 0 && pm_core_can_read(address)
        ? (const u8 *)address : NULL;
}

void pm_memory_scan_begin(struct pm_memory_scan *scan)
{
    pm_reader_init(&scan->reader, map_for_scan, scan);
    scan->page_map = VG_(fd_open)("/proc/self/pagemap", VKI_O_RDONLY, 0);
    scan->first_page = scan->page_count = scan->file_start = 0;
    scan->file_pages = NULL;
}

void pm_memory_scan_end(struct pm_memory_scan *scan)
{
    if (scan->page_map >= 0)
        VG_(close)(scan->page_map);
    pm_free(scan->file_pages);
}

u64 *pm_memory_segments(u32 kinds, u32 *count)
{
    Int capacity = 256, found;
    Addr *starts = pm_alloc("pm.memory", (size_t)capacity * sizeof *starts);

    /* The second allocation may itself make a segment. */
    while ((found = VG_(am_get_segment_starts)(kinds, starts, capacity)) < 0) {
        capacity = -found + 16;
        starts = pm_realloc("pm.memory", starts, (size_t)capacity * sizeof *starts);
    }
    *count = (u32)found;
    return (u64 *)starts;
}

bool pm_memory_is_writable(u64 address, u64 bytes)
{
    return VG_(am_is_valid_for_client)(address, bytes, VKI_PROT_READ | VKI_PROT_WRITE);
}

/* How many of these bytes are in the page of address. */
static u64 bytes_in_page(u64 address, u64 bytes)
{
    const u64 left = PAGE_BYTES - (address & (PAGE_BYTES - 1));
    return bytes < left ? bytes : left;
}

bool pm_memory_can_write(u64 address, u64 bytes)
{
    if (bytes == 0)
        return true;
    if (address + bytes < address || !pm_memory_is_writable(address, bytes))
        return false;
    /* A page may be gone for all that: behind the end of a file, say. */
    for (u64 at = address & ~(u64)(PAGE_BYTES - 1); at < address + bytes; at += PAGE_BYTES)
        if (!pm_core_can_read(at))
            return false;
    return true;
}

bool pm_memory_write(u64 address, const void *from, u64 bytes)
{
    if (!pm_memory_can_write(address, bytes))
        return false;
    VG_(memcpy)((void *)address, from, bytes);
    return true;
}

void pm_memory_fill_writable(u64 address, u8 value, u64 bytes)
{
    while (bytes > 0) {
        const u64 here = bytes_in_page(address, bytes);
        if (pm_memory_is_writable(address, here))
            VG_(memset)((void *)address, value, here);
        address += here;
        bytes -= here;
    }
}

void pm_memory_copy_readable(u64 to, u64 from, u64 bytes)
{
    while (bytes > 0) {
        const u64 here = bytes_in_page(to, bytes_in_page(from, bytes));
        if (VG_(am_is_valid_for_client)(from, here, VKI_PROT_READ) && pm_memory_is_writable(to, here))
            VG_(memcpy)((void *)to, (const void *)from, here);
        to += here;
        from += here;
        bytes -= here;
    }
}

bool pm_memory_is_vtable(struct pm_reader *reader, u64 address)
{
    const NSegment *segment = VG_(am_find_nsegment)(address);
    u64 word, last = address + VTABLE_WORDS * sizeof word;
    u32 functions = 0;

    if (segment == NULL || segment->kind != SkFileC || !segment->hasR)
        return false;
    if (last > segment->end - sizeof word)
        last = segment->end - sizeof word;
    for (u64 at = address; at <= last; at += sizeof word) {
        if (!pm_reader_read_u64(reader, at, &word))
            return false;
        if (word == 0)
            continue;
        segment = VG_(am_find_nsegment)(word);
        if (segment == NULL || segment->kind != SkFileC || !segment->hasT)
            return false;
        if (++functions == 2)
            return true;
    }
    return false;
}
