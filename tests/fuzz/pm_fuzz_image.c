/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pm_fuzz.h"

#include <string.h>

enum { PAGE_BYTES = 1 << PM_READER_PAGE_BITS };

static const u8 *map_page(void *context, u64 address)
{
    struct pm_fuzz_image *image = context;

    PM_FUZZ_EXPECT(address % PAGE_BYTES == 0);
    for (size_t i = 0; i < image->count; i++)
        if (image->pages[i].address == address)
            return image->pages[i].bytes;
    return NULL;
}

/* NULL if there are too many pages. */
static u8 *writable_page(struct pm_fuzz_image *image, u64 address)
{
    u8 *bytes = (u8 *)map_page(image, address);

    if (bytes != NULL || image->count == PM_FUZZ_PAGES)
        return bytes;
    bytes = calloc(1, PAGE_BYTES);
    PM_FUZZ_EXPECT(bytes != NULL);
    image->pages[image->count].address = address;
    image->pages[image->count++].bytes = bytes;
    return bytes;
}

static void put(struct pm_fuzz_image *image, u64 address, const u8 *bytes, size_t length)
{
    while (length > 0) {
        size_t offset = address % PAGE_BYTES;
        size_t here = PAGE_BYTES - offset < length ? PAGE_BYTES - offset : length;
        u8 *page = writable_page(image, address - offset);

        if (page != NULL)
            memcpy(page + offset, bytes, here);
        image->bytes += here;
        address += here;
        bytes += here;
        length -= here;
    }
}

/* The range at *cursor, which moves behind it. False: there is none. */
static bool next_range(const u8 *data, size_t size, size_t *cursor, u64 *address, size_t *start,
                       size_t *length)
{
    u16 claimed;

    if (size - *cursor < PM_FUZZ_RANGE_HEAD)
        return false;
    memcpy(&claimed, data + *cursor, sizeof claimed);
    memcpy(address, data + *cursor + sizeof claimed, sizeof *address);
    *start = *cursor + PM_FUZZ_RANGE_HEAD;
    *length = claimed < size - *start ? claimed : size - *start;
    *cursor = *start + *length;
    return true;
}

static const struct pm_layout *choose_layout(u32 version, u32 build)
{
    const struct pm_layout *layout = pm_layout_find(version, build);
    size_t rows = 0;

    if (layout != NULL)
        return layout;
    while (pm_layout_row(rows) != NULL)
        rows++;
    return pm_layout_row(version % rows);
}

bool pm_fuzz_image_init(struct pm_fuzz_image *image, const u8 *data, size_t size)
{
    size_t cursor = sizeof image->head, start, length;
    u64 address;

    image->count = image->bytes = image->ranges = 0;
    if (size < sizeof image->head || size > PM_FUZZ_MAX_BYTES)
        return false;
    memcpy(&image->head, data, sizeof image->head);
    image->layout = choose_layout(image->head.version, image->head.build);
    pm_reader_init(&image->reader, map_page, image);
    while (next_range(data, size, &cursor, &address, &start, &length)) {
        put(image, address, data + start, length);
        image->ranges++;
    }
    return true;
}

void pm_fuzz_image_release(struct pm_fuzz_image *image)
{
    for (size_t i = 0; i < image->count; i++)
        free(image->pages[i].bytes);
}

/* A random place in the head or in a range that has room for a word. *address is its client address and
   *piece the one of its range; both are 0 in the head. */
static u8 *random_word(struct pm_random *random, u8 *data, size_t size, u64 *address, u64 *piece)
{
    size_t cursor = sizeof(struct pm_fuzz_head), start, length, seen = 0;
    u8 *chosen = data + 8 * (1 + pm_random_below(random, 4));
    u64 at;

    *address = *piece = 0;
    while (next_range(data, size, &cursor, &at, &start, &length)) {
        if (length < sizeof(u64) || pm_random_below(random, ++seen) != 0)
            continue;
        size_t offset = pm_random_below(random, (length - sizeof(u64)) / 4 + 1) * 4;
        chosen = data + start + offset;
        *address = at + offset;
        *piece = at;
    }
    return pm_random_below(random, 16) == 0 ? data + 8 : chosen;
}

void pm_fuzz_redirect(struct pm_random *random, u8 *data, size_t size)
{
    static const u64 bounds[] = {
        0, 1, 7, 8, 0x7f, 0xff, 0x1000, 4095, 4096, 4097, 1u << 24, (1u << 24) + 1, INT32_MAX,
        1ull << 31, UINT32_MAX, (1ull << 46) - 1, 1ull << 46, INT64_MAX, 1ull << 63,
        UINT64_MAX - 4096, UINT64_MAX - 8, UINT64_MAX - 7, UINT64_MAX - 1, UINT64_MAX,
    };
    u64 value, address, piece, other, other_piece;
    u8 *to, *from;

    if (size < sizeof(struct pm_fuzz_head))
        return;
    to = random_word(random, data, size, &address, &piece);
    from = random_word(random, data, size, &other, &other_piece);
    switch (pm_random_below(random, 6)) {
    case 0:
        value = bounds[pm_random_below(random, PM_ARRAY_LENGTH(bounds))];
        break;
    case 1:
        memcpy(&value, from, sizeof value);
        break;
    case 2:
        value = other;
        break;
    case 3:
        value = piece;
        break;
    default:
        value = other_piece;
    }
    memcpy(to, &value, pm_random_below(random, 8) == 0 ? sizeof(u32) : sizeof(u64));
}

/* The first fields of an object are often not read, so a pointer to it may lie before its piece. */
enum { UNREAD_BYTES = 16 };

static bool is_near_a_range(const u8 *data, size_t size, u64 address)
{
    size_t cursor = sizeof(struct pm_fuzz_head), start, length;
    u64 at;

    while (next_range(data, size, &cursor, &at, &start, &length))
        if (address + UNREAD_BYTES - at < length + UNREAD_BYTES)
            return true;
    return false;
}

bool pm_fuzz_close_circle(u8 *data, size_t size, size_t index)
{
    enum { WORD = sizeof(u64), STARTS = UNREAD_BYTES / WORD + 1 };
    size_t cursor = sizeof(struct pm_fuzz_head), start, length, pointers = index / STARTS;
    u64 at, value;

    if (size < cursor)
        return false;
    while (next_range(data, size, &cursor, &at, &start, &length)) {
        for (size_t offset = 0; offset + WORD <= length; offset += WORD) {
            memcpy(&value, data + start + offset, WORD);
            if (!is_near_a_range(data, size, value) || pointers-- > 0)
                continue;
            value = at - index % STARTS * WORD;
            memcpy(data + start + offset, &value, WORD);
            return true;
        }
    }
    return false;
}

bool pm_fuzz_is_text(const char *bytes, size_t length)
{
    const u8 *at = (const u8 *)bytes, *end = at + length;

    while (at < end) {
        unsigned more = *at < 0x80 ? 0 : *at < 0xe0 ? 1 : *at < 0xf0 ? 2 : 3;
        u32 value = more == 0 ? *at : *at & (0x3fu >> more);
        static const u32 smallest[] = { 0, 0x80, 0x800, 0x10000 };

        if ((*at >= 0x80 && *at < 0xc0) || *at >= 0xf8 || (size_t)(end - at) <= more)
            return false;
        for (unsigned i = 1; i <= more; i++) {
            if ((at[i] & 0xc0) != 0x80)
                return false;
            value = value << 6 | (at[i] & 0x3f);
        }
        if (value < smallest[more] || value > 0x10ffff)
            return false;
        at += more + 1;
    }
    return true;
}
