/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pm_image.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE_BYTES = 1 << PM_READER_PAGE_BITS };

static const u8 *map_page(void *context, u64 address)
{
    struct pm_image *image = context;

    for (size_t i = 0; i < image->count; i++)
        if (image->pages[i].address == address)
            return image->pages[i].bytes;
    return NULL;
}

static u8 *writable_page(struct pm_image *image, u64 address)
{
    u8 *bytes = (u8 *)map_page(image, address);

    if (bytes != NULL)
        return bytes;
    PM_ASSERT(image->count < PM_IMAGE_PAGES);
    bytes = calloc(1, PAGE_BYTES);
    image->pages[image->count].address = address;
    image->pages[image->count++].bytes = bytes;
    return bytes;
}

void pm_image_init(struct pm_image *image)
{
    memset(image, 0, sizeof *image);
    pm_reader_init(&image->reader, map_page, image);
}

void pm_image_release(struct pm_image *image)
{
    for (size_t i = 0; i < image->count; i++)
        free(image->pages[i].bytes);
}

void pm_image_unmap(struct pm_image *image, u64 address)
{
    for (size_t i = 0; i < image->count; i++) {
        if (image->pages[i].address != (address & ~(u64)(PAGE_BYTES - 1)))
            continue;
        free(image->pages[i].bytes);
        image->pages[i] = image->pages[--image->count];
    }
    pm_reader_forget(&image->reader);
}

void pm_image_put(struct pm_image *image, u64 address, const void *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        u8 *page = writable_page(image, (address + i) & ~(u64)(PAGE_BYTES - 1));
        page[(address + i) % PAGE_BYTES] = ((const u8 *)bytes)[i];
    }
}

void pm_image_put_u64(struct pm_image *image, u64 address, u64 value)
{
    pm_image_put(image, address, &value, sizeof value);
}

void pm_image_put_u32(struct pm_image *image, u64 address, u32 value)
{
    pm_image_put(image, address, &value, sizeof value);
}

void pm_image_put_u8(struct pm_image *image, u64 address, u8 value)
{
    pm_image_put(image, address, &value, sizeof value);
}

void pm_image_put_bytes(struct pm_image *image, const struct pm_layout *layout, u64 address,
                        const void *bytes, size_t length)
{
    pm_image_put_u64(image, address + layout->at.bytes_length, length);
    pm_image_put(image, address + layout->at.bytes_data, bytes, length);
}

void pm_image_put_text(struct pm_image *image, const struct pm_layout *layout, u64 address,
                       const char *text)
{
    const struct pm_layout_numbers *at = &layout->at;
    u32 state;

    if (layout->strings == PM_STRING_BYTES) {
        pm_image_put_bytes(image, layout, address, text, strlen(text));
        return;
    }
    state = 1u << at->unicode_kind_shift | 1u << at->unicode_compact_shift
            | 1u << at->unicode_ascii_shift;
    if (at->unicode_ready_shift != PM_LAYOUT_ABSENT)
        state |= 1u << at->unicode_ready_shift;
    pm_image_put_u64(image, address + at->unicode_length, strlen(text));
    pm_image_put_u32(image, address + at->unicode_state, state);
    pm_image_put(image, address + at->unicode_ascii_data, text, strlen(text));
}

void pm_image_put_code(struct pm_image *image, const struct pm_layout *layout, u64 address,
                       const struct pm_image_code *code)
{
    const struct pm_layout_numbers *at = &layout->at;
    u64 file = address + 0x400, name = address + 0x800, qualname = address + 0xa00,
        table = address + 0xc00;

    pm_image_put_text(image, layout, file, code->file);
    pm_image_put_text(image, layout, name, code->name);
    pm_image_put_bytes(image, layout, table, code->table, code->table_length);
    pm_image_put_u64(image, address + at->object_type, code->type);
    pm_image_put_u64(image, address + at->code_filename, file);
    pm_image_put_u64(image, address + at->code_name, name);
    pm_image_put_u64(image, address + at->code_lines, table);
    pm_image_put_u32(image, address + at->code_first_line, (u32)code->first_line);
    if (at->code_qualname != PM_LAYOUT_ABSENT) {
        pm_image_put_text(image, layout, qualname, code->qualname);
        pm_image_put_u64(image, address + at->code_qualname, qualname);
    }
    if (at->code_first_traceable != PM_LAYOUT_ABSENT)
        pm_image_put_u32(image, address + at->code_first_traceable, PM_IMAGE_FIRST_TRACEABLE);
}
