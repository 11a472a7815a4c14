/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one way in which client memory is read.

   Nothing outside this file follows a client pointer. A read copies all the bytes asked for and
   returns true, or returns false; it never faults. Callers may also borrow the bytes of a page
   (pm_reader_page).

   The owner is asked once for each page whether it can be read. The answer stays in a small
   direct-mapped cache, so pm_reader_forget_range must be called when client memory is unmapped,
   protected or replaced. Cost on the usual path: two compares and the copy. */
#ifndef PM_READER_H
#define PM_READER_H

#include "base/pm_platform.h"
#include "base/pm_types.h"

#define PM_READER_PAGE_BITS 12
#define PM_READER_CACHE_PAGES 512

struct pm_reader {
    /* Says whether the page that starts at address can be read, and where its
       bytes are in our own address space (the same address inside Valgrind,
       a capture in a test). NULL: cannot be read. */
    const u8 *(*map_page)(void *context, u64 address);
    void *context;
    u64 failures;                               /* reads refused so far */
    u64 generation;                             /* increased when pages are forgotten */
    u64 forgotten_low, forgotten_high;          /* these, the last time; high is the last byte */
    u64 all_forgotten;                          /* the generation that began when all were */
    u64 forgotten[PM_READER_CACHE_PAGES];       /* and when a page of this cell was */
    u64 cached_page[PM_READER_CACHE_PAGES];     /* page number + 1; 0 is empty */
    const u8 *cached_bytes[PM_READER_CACHE_PAGES];
};

void pm_reader_init(struct pm_reader *reader,
                    const u8 *(*map_page)(void *context, u64 address), void *context);

/* Forgets which pages can be read. Call it where memory may have been unmapped unseen. */
void pm_reader_forget(struct pm_reader *reader);

/* Forgets the pages that bytes from start on are in. Call it when they were unmapped, protected or
   replaced. Cost: one compare for each page, or for each page of the cache. */
void pm_reader_forget_range(struct pm_reader *reader, u64 start, u64 bytes);

/* Whether the pages of low up to and including high were not forgotten since generation was since.
   Only the last range is known: false if pages were forgotten twice since then. */
static inline bool pm_reader_kept(const struct pm_reader *reader, u64 since, u64 low, u64 high)
{
    return reader->generation == since
        || (reader->generation == since + 1
            && (reader->forgotten_high < low || reader->forgotten_low > high));
}

/* The bytes of page number page (address >> PM_READER_PAGE_BITS), or NULL if it cannot be read. For
   callers that read the same words again and again: the bytes stay readable, at the same place,
   until generation changes. Then asking again is cheap, unless this page was forgotten. */
const u8 *pm_reader_page(struct pm_reader *reader, u64 page);

/* Whether page number page was surely not forgotten since generation was since. */
static inline bool pm_reader_kept_page(const struct pm_reader *reader, u64 since, u64 page)
{
    return reader->all_forgotten <= since
        && reader->forgotten[page & (PM_READER_CACHE_PAGES - 1)] <= since;
}

/* The general path, across pages; use pm_reader_read. */
bool pm_reader_read_slow(struct pm_reader *reader, u64 address, void *to, size_t bytes);

/* Copies bytes from client address to to. False, with to unspecified, when
   any of it cannot be read. */
static inline bool pm_reader_read(struct pm_reader *reader, u64 address, void *to, size_t bytes)
{
    u64 page = address >> PM_READER_PAGE_BITS;
    u64 offset = address & ((1u << PM_READER_PAGE_BITS) - 1);
    u64 cell = page & (PM_READER_CACHE_PAGES - 1);

    if (__builtin_expect(reader->cached_page[cell] == page + 1
                             && offset + bytes <= (1u << PM_READER_PAGE_BITS), 1)) {
        pm_copy(to, reader->cached_bytes[cell] + offset, bytes);
        return true;
    }
    return pm_reader_read_slow(reader, address, to, bytes);
}

static inline bool pm_reader_read_u64(struct pm_reader *reader, u64 address, u64 *to)
{
    return pm_reader_read(reader, address, to, sizeof *to);
}

static inline bool pm_reader_read_u32(struct pm_reader *reader, u64 address, u32 *to)
{
    return pm_reader_read(reader, address, to, sizeof *to);
}

/* Copies a NUL-terminated string of at most capacity - 1 bytes; a longer one
   is cut. False when its bytes cannot be read. */
bool pm_reader_read_text(struct pm_reader *reader, u64 address, char *to, size_t capacity);

#endif
