/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/pm_reader.h"

enum { PAGE_BYTES = 1 << PM_READER_PAGE_BITS };

void pm_reader_init(struct pm_reader *reader,
                    const u8 *(*map_page)(void *context, u64 address), void *context)
{
    *reader = (struct pm_reader){ .map_page = map_page, .context = context };
}

void pm_reader_forget(struct pm_reader *reader)
{
    pm_zero(reader->cached_page, sizeof reader->cached_page);
    reader->all_forgotten = ++reader->generation;
    reader->forgotten_low = 0;
    reader->forgotten_high = ~0ull;
}

void pm_reader_forget_range(struct pm_reader *reader, u64 start, u64 bytes)
{
    if (bytes == 0)
        return;
    const u64 high = start + (bytes - 1) < start ? ~0ull : start + (bytes - 1);
    const u64 first = start >> PM_READER_PAGE_BITS, last = high >> PM_READER_PAGE_BITS;

    if (last - first >= PM_READER_CACHE_PAGES) {
        pm_reader_forget(reader);
        return;
    }
    reader->generation++;
    for (u64 page = first; page <= last; page++) {
        u64 cell = page & (PM_READER_CACHE_PAGES - 1);
        if (reader->cached_page[cell] == page + 1)
            reader->cached_page[cell] = 0;
        reader->forgotten[cell] = reader->generation;
    }
    reader->forgotten_low = first << PM_READER_PAGE_BITS;
    reader->forgotten_high = high | (PAGE_BYTES - 1);
}

const u8 *pm_reader_page(struct pm_reader *reader, u64 page)
{
    u64 cell = page & (PM_READER_CACHE_PAGES - 1);

    if (reader->cached_page[cell] != page + 1) {
        const u8 *bytes = reader->map_page(reader->context, page << PM_READER_PAGE_BITS);
        if (bytes == NULL)
            return NULL;
        reader->cached_page[cell] = page + 1;
        reader->cached_bytes[cell] = bytes;
    }
    return reader->cached_bytes[cell];
}

bool pm_reader_read_slow(struct pm_reader *reader, u64 address, void *to, size_t bytes)
{
    u8 *out = to;

    /* The last byte of the address space can be read, but a read does not continue at address 0. */
    if (bytes > 0 && address + (bytes - 1) < address) {
        reader->failures++;
        return false;
    }
    while (bytes > 0) {
        u64 offset = address & (PAGE_BYTES - 1);
        size_t here = PAGE_BYTES - offset < bytes ? PAGE_BYTES - offset : bytes;
        const u8 *from = pm_reader_page(reader, address >> PM_READER_PAGE_BITS);
        if (from == NULL) {
            reader->failures++;
            return false;
        }
        pm_copy(out, from + offset, here);
        out += here;
        address += here;
        bytes -= here;
    }
    return true;
}

bool pm_reader_read_text(struct pm_reader *reader, u64 address, char *to, size_t capacity)
{
    for (size_t i = 0; i + 1 < capacity; i++) {
        bool wrapped = i > 0 && address + i == 0;
        if (wrapped || !pm_reader_read(reader, address + i, &to[i], 1)) {
            reader->failures += wrapped;
            to[i] = '\0';
            return false;
        }
        if (to[i] == '\0')
            return true;
    }
    to[capacity - 1] = '\0';
    return true;
}
